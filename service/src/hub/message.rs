//! A message to clients, encoded once however many receive it.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    protocol::{Protocol, json},
    transport::websocket::frame,
};

/// An invocation for any number of clients.
///
/// It is encoded for a protocol on the first need; shards and connections share the bytes.
#[derive(Debug)]
pub(crate) struct Message {
    target: String,
    /// A JSON array, kept to the letter.
    arguments: Box<RawValue>,
    json_text_frame: OnceLock<Bytes>,
}

impl Message {
    pub(crate) fn new(target: String, arguments: Box<RawValue>) -> Self {
        Self { target, arguments, json_text_frame: OnceLock::new() }
    }

    /// The message as one WebSocket frame.
    pub(crate) fn websocket_frame(&self, protocol: Protocol) -> &Bytes {
        match protocol {
            Protocol::Json => self
                .json_text_frame
                .get_or_init(|| frame::text(&json::invocation(&self.target, &self.arguments))),
        }
    }
}
