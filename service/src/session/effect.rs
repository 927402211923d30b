//! What a session asks of its owner.

use bytes::Bytes;

use crate::protocol::{Outcome, Protocol};

/// What the owner of a session has to do, in order.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The handshake is done: the connection takes part in its hub from now on.
    Open,
    /// Send these hub-protocol bytes.
    Send(Vec<u8>),
    /// Send these, the last bytes of the session, however much waits to be sent before them.
    SendLast(Vec<u8>),
    /// Send this hub message, which has a number under stateful reconnect.
    SendNumbered(Vec<u8>),
    /// Send these frames again, as they are.
    Repeat(Vec<Bytes>),
    /// The client calls a method.
    Call(Call),
    /// The client answered an invocation of the service.
    Completed { invocation_id: String, outcome: Outcome, protocol: Protocol, message: Bytes },
    /// Send what is queued, then end the transport. The session is over.
    End,
    /// Drop the transport at once. The session is over.
    Abort,
}

/// A call of a client, which goes to the upstream.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) target: String,
    pub(crate) invocation_id: Option<String>,
    pub(crate) is_stream: bool,
    pub(crate) protocol: Protocol,
    /// The message without what frames it.
    pub(crate) message: Bytes,
}
