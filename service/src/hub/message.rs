//! A message to clients, encoded once however many receive it.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    protocol::{Protocol, json},
    transport::websocket::frame,
};

/// A hub message for any number of clients.
///
/// It is encoded for a protocol on the first need; shards and connections share the bytes.
#[derive(Debug)]
pub(crate) struct Message {
    content: Content,
    json_text_frame: OnceLock<Option<Bytes>>,
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
    Encoded { json: Option<Bytes> },
}

impl Message {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, json_text_frame: OnceLock::new() }
    }

    /// The message as one WebSocket frame, where there is one for this protocol.
    pub(crate) fn websocket_frame(&self, protocol: Protocol) -> Option<&Bytes> {
        match protocol {
            Protocol::Json => {
                let encode = || self.content.json().map(|json| frame::text(&json));
                self.json_text_frame.get_or_init(encode).as_ref()
            }
        }
    }
}

impl Content {
    fn json(&self) -> Option<Bytes> {
        match self {
            Self::Invocation { target, arguments, invocation_id } => {
                Some(json::invocation(target, arguments, invocation_id.as_deref()).into())
            }
            Self::StreamItem { stream_id, item } => Some(json::stream_item(stream_id, item).into()),
            Self::StreamEnd { stream_id, error } => {
                Some(json::completion(stream_id, error.as_deref()).into())
            }
            Self::Encoded { json } => json.clone(),
        }
    }
}
