//! The rules of every session, and the terms that a client's token sets for its own.

use super::seconds::Seconds;

/// What happens to a client that sends although nothing answers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientMessages {
    /// A call that waits for an answer gets an error, and the connection is closed with the reason.
    #[default]
    Close,
    /// A call that waits for an answer gets an error, except a call that asks for a stream: REST
    /// may answer it. The connection stays open.
    Ignore,
}

/// What happens to a client that never sends a ping. Some libraries never do: `@aspnet/signalr` 1.0,
/// Swift's before 2022, and libraries for small devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SilentClients {
    /// It stays: the client time limit begins with a client's first ping, as in ASP.NET Core. If
    /// the client's machine is gone, the network reports it.
    #[default]
    Keep,
    /// The client time limit applies to it too.
    Close,
}

/// The rules for every session of a service.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) handshake_timeout: Seconds,
    /// A ping is due if nothing was sent for this long.
    pub(crate) keep_alive: Seconds,
    /// If a client that has sent a ping is silent for this long, it counts as gone.
    pub(crate) client_timeout: Seconds,
    pub(crate) silent_clients: SilentClients,
    /// How long a client has to answer a close.
    pub(crate) close_timeout: Seconds,
    /// How long a client without a transport may take to reconnect.
    pub(crate) reconnect_timeout: Seconds,
    /// How long a client may take from one poll to the next.
    pub(crate) poll_gap: Seconds,
    /// The largest message that a client may send, in bytes.
    pub(crate) max_message: usize,
    /// How many messages of any kind a client may send in a second.
    pub(crate) max_messages_per_second: u32,
    pub(crate) client_messages: ClientMessages,
}

/// The terms of a session in the client's token and negotiation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The handshake time limit, instead of the rule's.
    pub(crate) handshake_timeout: Option<Seconds>,
    /// The end of the client's permission.
    pub(crate) expires: Option<Seconds>,
    /// Whether the client gets detailed errors.
    pub(crate) detailed_errors: bool,
    /// How long a poll may wait at most.
    pub(crate) poll_interval: Option<Seconds>,
    /// Whether the transport carries text only.
    pub(crate) is_text_only: bool,
    /// Whether the client can continue on another transport.
    pub(crate) is_stateful: bool,
    /// Whether client and service send pings. Polls make them unnecessary.
    pub(crate) has_pings: bool,
}
