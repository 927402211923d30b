//! What holds for every session, and what a client's token changes about its own.

use super::seconds::Seconds;

/// What happens to a client that sends while nobody is there to answer.
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
/// Swift's before 2022, and those of small devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SilentClients {
    /// It stays: the client time limit begins with a client's first ping, as in ASP.NET Core. That
    /// its machine is gone is found by the network.
    #[default]
    Keep,
    /// The client time limit holds for it as for all.
    Close,
}

/// The rules that hold for every session of a service.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) handshake_timeout: Seconds,
    /// A ping is due if nothing was sent for this long.
    pub(crate) keep_alive: Seconds,
    /// A client that said nothing for this long is taken for gone, once it has sent a ping.
    pub(crate) client_timeout: Seconds,
    pub(crate) silent_clients: SilentClients,
    /// How long a client has to answer a close.
    pub(crate) close_timeout: Seconds,
    /// How long a client without a transport may take to come back.
    pub(crate) reconnect_timeout: Seconds,
    /// How long a client may take from one poll to the next.
    pub(crate) poll_gap: Seconds,
    /// The largest message that a client may send, in bytes.
    pub(crate) max_message: usize,
    /// How many messages a client may send in a second, whatever they are.
    pub(crate) max_messages_per_second: u32,
    pub(crate) client_messages: ClientMessages,
}

/// What a client's token and negotiation say about its session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// In place of the rule's.
    pub(crate) handshake_timeout: Option<Seconds>,
    /// When the client's permission ends.
    pub(crate) expires: Option<Seconds>,
    /// Whether the client may know what exactly went wrong.
    pub(crate) detailed_errors: bool,
    /// How long a poll may wait at most.
    pub(crate) poll_interval: Option<Seconds>,
    /// Whether the transport carries text only.
    pub(crate) is_text_only: bool,
    /// Whether the client can go on on another transport.
    pub(crate) is_stateful: bool,
    /// Whether client and service tell each other that they are there. Polls do so by themselves.
    pub(crate) has_pings: bool,
}
