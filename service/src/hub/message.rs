//! A message to clients, encoded once however many receive it.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    carrier::{ByEncoding, Encoding},
    protocol::{Protocol, json, message_pack},
};

/// A hub message for any number of clients.
///
/// It is encoded on the first need; shards and connections share the bytes.
#[derive(Debug)]
pub(crate) struct Message {
    content: Content,
    frames: ByEncoding<OnceLock<Option<Bytes>>>,
}

/// What a message says. JSON is kept to the letter.
#[derive(Debug)]
pub(crate) enum Content {
    /// Calls a method; with an id the client has to answer. The arguments are an array.
    Invocation { target: String, arguments: Box<RawValue>, invocation_id: Option<String> },
    /// An item of a stream that the client asked for.
    StreamItem { stream_id: String, item: Box<RawValue> },
    /// The end of a stream that the client asked for.
    StreamEnd { stream_id: String, error: Option<String> },
    /// Encoded and framed by the sender. A protocol that is missing gets nothing.
    Encoded { json: Option<Bytes>, message_pack: Option<Bytes> },
}

impl Message {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, frames: ByEncoding::default() }
    }

    /// The bytes of what it says, without what any encoding puts around it.
    pub(crate) fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let encoded = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        match &self.content {
            Content::Invocation { target, arguments, .. } => target.len() + arguments.get().len(),
            Content::StreamItem { item, .. } => item.get().len(),
            Content::StreamEnd { error, .. } => text(error),
            Content::Encoded { json, message_pack } => encoded(json).max(encoded(message_pack)),
        }
    }

    /// The message as it goes over the wire; `None` if it has no form in the protocol.
    pub(crate) fn frame(&self, encoding: Encoding) -> Option<&Bytes> {
        let encode = || {
            let message = self.content.encode(encoding.protocol)?;
            Some(encoding.frame(&message))
        };
        self.frames.get(encoding).get_or_init(encode).as_ref()
    }

    /// The message as it is in a protocol, without what a transport puts around it.
    pub(crate) fn encoded(&self, protocol: Protocol) -> Option<Bytes> {
        self.content.encode(protocol)
    }
}

impl Content {
    fn encode(&self, protocol: Protocol) -> Option<Bytes> {
        match (self, protocol) {
            (Self::Invocation { target, arguments, invocation_id }, Protocol::Json) => {
                Some(json::invocation(target, arguments, invocation_id.as_deref()).into())
            }
            (Self::Invocation { target, arguments, invocation_id }, Protocol::MessagePack) => {
                let id = invocation_id.as_deref();
                message_pack::invocation(target, arguments, id).map(Bytes::from)
            }
            (Self::StreamItem { stream_id, item }, Protocol::Json) => {
                Some(json::stream_item(stream_id, item).into())
            }
            (Self::StreamItem { stream_id, item }, Protocol::MessagePack) => {
                message_pack::stream_item(stream_id, item).map(Bytes::from)
            }
            (Self::StreamEnd { stream_id, error }, protocol) => {
                Some(protocol.completion(stream_id, error.as_deref()).into())
            }
            (Self::Encoded { json, .. }, Protocol::Json) => json.clone(),
            (Self::Encoded { message_pack, .. }, Protocol::MessagePack) => message_pack.clone(),
        }
    }
}
