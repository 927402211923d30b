//! Why a session is over, as metrics tell the reasons apart.

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client ended it.
    Client,
    /// The transport broke, or the client polls no more.
    Lost,
    /// The transport broke, and the client did not come back in time, as it could have.
    NotBack,
    /// The client sent nothing for too long.
    Silent,
    /// There was no handshake, or a bad one.
    Handshake,
    /// The client broke the protocol or a limit.
    Protocol,
    /// The client called a method for which there is nobody.
    NotServed,
    /// The client's calls wait faster than they are answered.
    Calls,
    /// The client read slower than messages came.
    Slow,
    /// Too much was held for all clients together.
    Memory,
    /// The token is over, and the session with it.
    Expired,
    /// A back end closed it.
    Closed,
    /// The broker of the cluster could not be asked for the groups of its user.
    Broker,
    /// The service ends.
    Shutdown,
}

impl Ended {
    pub(crate) const ALL: [Self; 14] = [
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
        Self::Broker,
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
            Self::Broker => "broker",
            Self::Shutdown => "shutdown",
        }
    }
}
