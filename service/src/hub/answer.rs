//! What clients answer to invocations of the service.

use bytes::Bytes;
use signalr_serverless::upstream::length_prefix;

use crate::protocol::{Outcome, Protocol, json::RECORD_SEPARATOR};

/// A client's answer to an invocation of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) protocol: Protocol,
    /// The client's completion without what frames it.
    pub(crate) message: Bytes,
}

impl Answer {
    /// The client's completion as it came.
    pub(crate) fn frame(&self) -> Vec<u8> {
        match self.protocol {
            Protocol::Json => [&self.message, &[RECORD_SEPARATOR][..]].concat(),
            Protocol::MessagePack => {
                [&length_prefix(self.message.len()), &self.message[..]].concat()
            }
        }
    }
}

/// The arguments of an invocation have no form in the protocol of its client: numbers beyond any
/// float have none in MessagePack, and timestamps none in JSON.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the arguments have no form in the client's protocol")]
pub(crate) struct NoForm;

/// What becomes of an invocation of a client that is there.
pub(crate) type Answered = Result<Answer, NoForm>;
