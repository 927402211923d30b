//! A message to clients. It is encoded once, for any number of receivers.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::value::RawValue;
use signalr_server_protocol::Payloads;

use crate::{
    carrier::{ByEncoding, Encoding},
    protocol::{Protocol, json, message_pack, sent},
};

/// A hub message for any number of clients.
///
/// It is encoded when it is needed first. Shards and connections share the bytes.
#[derive(Debug)]
pub(crate) struct Message {
    pub(super) content: Content,
    frames: ByEncoding<OnceLock<Option<Bytes>>>,
}

/// The content of a message. JSON is kept exactly as it came.
#[derive(Debug)]
pub(crate) enum Content {
    /// Calls a method. If there is an id, the client has to answer. The arguments are an array.
    Invocation { target: String, arguments: Box<RawValue>, invocation_id: Option<String> },
    /// An item of a stream that the client asked for.
    StreamItem { stream_id: String, item: Box<RawValue> },
    /// The end of a stream that the client asked for.
    StreamEnd { stream_id: String, error: Option<String> },
    /// Encoded and framed by the sender. Clients of a missing protocol get nothing.
    Encoded { json: Option<Bytes>, message_pack: Option<Bytes> },
    /// Encoded in JSON by another node. Clients of other protocols get it in theirs.
    OfNode(Bytes),
    /// Encoded and framed by an app server. Clients of a missing protocol get nothing.
    OfApp(Payloads),
}

impl Message {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, frames: ByEncoding::default() }
    }

    /// The size of the content in bytes, without the bytes that an encoding adds.
    pub(crate) fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let encoded = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        match &self.content {
            Content::Invocation { target, arguments, .. } => target.len() + arguments.get().len(),
            Content::StreamItem { item, .. } => item.get().len(),
            Content::StreamEnd { error, .. } => text(error),
            Content::Encoded { json, message_pack } => encoded(json).max(encoded(message_pack)),
            Content::OfNode(json) => json.len(),
            Content::OfApp(payloads) => {
                payloads.0.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0)
            }
        }
    }

    /// The method that the message calls, if it calls one and the service knows which.
    pub(crate) fn target(&self) -> Option<&str> {
        match &self.content {
            Content::Invocation { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The message as it is sent; `None` if it has no form in the protocol.
    pub(crate) fn frame(&self, encoding: Encoding) -> Option<&Bytes> {
        let encode = || {
            let message = self.content.encode(encoding.protocol)?;
            Some(encoding.frame(&message))
        };
        self.frames.get(encoding).get_or_init(encode).as_ref()
    }

    /// The message as it is sent in another protocol, which has this name.
    pub(crate) fn frame_of_other(&self, name: &str, encoding: Encoding) -> Option<Bytes> {
        match &self.content {
            Content::OfApp(payloads) => payloads.get(name).map(|message| encoding.frame(message)),
            _ => None,
        }
    }

    /// The message in a protocol, without the frame of a transport.
    pub(crate) fn encoded(&self, protocol: Protocol) -> Option<Bytes> {
        self.content.encode(protocol)
    }
}

impl Content {
    fn encode(&self, protocol: Protocol) -> Option<Bytes> {
        match (self, protocol) {
            // Only its app knows such a protocol. `frame_of_other` finds the message by the
            // protocol's name.
            (_, Protocol::OtherText | Protocol::OtherBinary) => None,
            (Self::Invocation { target, arguments, invocation_id }, Protocol::Json) => {
                Some(json::invocation(target, arguments, invocation_id.as_deref()).into())
            }
            (
                Self::Invocation { target, arguments, invocation_id },
                Protocol::MessagePack | Protocol::BlazorPack,
            ) => {
                let id = invocation_id.as_deref();
                message_pack::invocation(target, arguments, id).map(Bytes::from)
            }
            (Self::StreamItem { stream_id, item }, Protocol::Json) => {
                Some(json::stream_item(stream_id, item).into())
            }
            (
                Self::StreamItem { stream_id, item },
                Protocol::MessagePack | Protocol::BlazorPack,
            ) => message_pack::stream_item(stream_id, item).map(Bytes::from),
            (Self::StreamEnd { stream_id, error }, protocol) => {
                Some(protocol.completion(stream_id, error.as_deref()).into())
            }
            (Self::Encoded { json, .. }, Protocol::Json) => json.clone(),
            (Self::Encoded { message_pack, .. }, Protocol::MessagePack) => message_pack.clone(),
            // REST has no form for this protocol.
            (Self::Encoded { .. }, Protocol::BlazorPack) => None,
            (Self::OfNode(json), Protocol::Json) => Some(json.clone()),
            (Self::OfNode(json), Protocol::MessagePack | Protocol::BlazorPack) => {
                sent::to_message_pack(json).map(Bytes::from)
            }
            (Self::OfApp(payloads), protocol) => payloads.get(protocol.name()).cloned(),
        }
    }
}
