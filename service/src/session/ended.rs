//! Why a session has ended, with the reasons that metrics distinguish.

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client ended it.
    Client,
    /// The transport broke, or the client stopped polling.
    Lost,
    /// The transport broke, and the client did not reconnect in time although it could.
    NotBack,
    /// The client sent nothing for too long.
    Silent,
    /// There was no handshake, or a bad one.
    Handshake,
    /// The client broke the protocol or a limit.
    Protocol,
    /// The client called a method, and nothing answers it.
    NotServed,
    /// The client calls faster than it gets answers.
    Calls,
    /// The client read more slowly than messages came.
    Slow,
    /// Too much was held for all clients together.
    Memory,
    /// The token expired, and the session ended with it.
    Expired,
    /// A back end closed it.
    Closed,
    /// Its app server was lost.
    AppLost,
    /// The broker of the cluster could not be asked for the groups of its user.
    Broker,
    /// The session continues at another node.
    Moved,
    /// The service is ending.
    Shutdown,
}

impl Ended {
    pub(crate) const ALL: [Self; 16] = [
        Self::Client,
        Self::Lost,
        Self::NotBack,
        Self::Silent,
        Self::Handshake,
        Self::Protocol,
        Self::NotServed,
        Self::Calls,
        Self::Slow,
        Self::Memory,
        Self::Expired,
        Self::Closed,
        Self::AppLost,
        Self::Broker,
        Self::Moved,
        Self::Shutdown,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Lost => "lost",
            Self::NotBack => "not_back",
            Self::Silent => "silent",
            Self::Handshake => "handshake",
            Self::Protocol => "protocol",
            Self::NotServed => "not_served",
            Self::Calls => "calls",
            Self::Slow => "slow",
            Self::Memory => "memory",
            Self::Expired => "expired",
            Self::Closed => "closed",
            Self::AppLost => "app_lost",
            Self::Broker => "broker",
            Self::Moved => "moved",
            Self::Shutdown => "shutdown",
        }
    }
}
