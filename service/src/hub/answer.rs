//! The answers of clients to invocations of the service.

use bytes::Bytes;
use signalr_serverless::upstream::length_prefix;

use crate::{
    broker::Down,
    protocol::{Outcome, Protocol, json::RECORD_SEPARATOR},
};

/// A client's answer to an invocation of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) protocol: Protocol,
    /// The client's completion without its frame.
    pub(crate) message: Bytes,
}

impl Answer {
    /// The client's completion with its frame, as it came.
    pub(crate) fn frame(&self) -> Vec<u8> {
        match self.protocol {
            Protocol::Json => [&self.message, &[RECORD_SEPARATOR][..]].concat(),
            Protocol::MessagePack | Protocol::BlazorPack => {
                [&length_prefix(self.message.len()), &self.message[..]].concat()
            }
            Protocol::OtherText | Protocol::OtherBinary => self.message.to_vec(),
        }
    }
}

/// Why a connected client gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The arguments of the invocation have no form in the client's protocol. MessagePack has no
    /// form for numbers beyond the range of a float, and JSON has none for timestamps.
    #[error("the arguments have no form in the client's protocol")]
    NoForm,
    /// The client has moved to another node, which cannot be reached.
    #[error(transparent)]
    Down(#[from] Down),
}

/// The result of an invocation of a connected client.
pub(crate) type Answered = Result<Answer, NoAnswer>;
