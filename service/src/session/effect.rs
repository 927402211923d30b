//! The effects that a session asks its owner for.

use bytes::Bytes;

use crate::protocol::{Outcome, Protocol};

/// An action for the owner of a session. Do them in order.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The handshake is done: the connection belongs to its hub from now on.
    Open,
    /// The client has named its protocol, and an app server must answer: give the client to one, with
    /// this handshake.
    OpenApp { protocol: String, handshake: Bytes },
    /// Send these bytes to the app server: complete messages with their frames.
    ToApp(Vec<u8>),
    /// Send these hub-protocol bytes.
    Send(Vec<u8>),
    /// Send these last bytes of the session, even if the queue is full.
    SendLast(Vec<u8>),
    /// Send this hub message, which has a number under stateful reconnect.
    SendNumbered(Vec<u8>),
    /// Send these frames again, as they are.
    Repeat(Vec<Bytes>),
    /// The client calls a method.
    Call(Call),
    /// The client answered an invocation of the service.
    Completed { invocation_id: String, outcome: Outcome, protocol: Protocol, message: Bytes },
    /// Send the queued bytes, then end the transport. The session has ended.
    End,
    /// Drop the transport at once. The session has ended.
    Abort,
}

/// Why a call of a client has no receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotCalled {
    /// The hub has no upstream.
    NoUpstream,
    /// The upstream has no template for the call.
    NoTemplate,
    /// The call asks for a stream.
    Stream,
    /// The call's name would change the path of the upstream's URL, or cannot be in a header.
    BadName,
    /// The user's id cannot be in a header, and the call must not arrive without its user.
    BadUser,
}

impl NotCalled {
    /// The text for the client.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::NoUpstream => "clients of this hub only listen, since it has no upstream",
            Self::NoTemplate => "no template in the settings of the upstream is for it",
            Self::Stream => "an upstream answers once, and this call asks for a stream",
            Self::BadName => {
                "the upstream's URL or a header cannot carry this name; call the method otherwise"
            }
            Self::BadUser => "no header can carry the user's id, so the upstream cannot know it",
        }
    }
}

/// A call of a client, which goes to the upstream.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) target: String,
    pub(crate) invocation_id: Option<String>,
    pub(crate) is_stream: bool,
    pub(crate) protocol: Protocol,
    /// The message without its frame.
    pub(crate) message: Bytes,
}
