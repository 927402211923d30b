//! Why clients are refused, as metrics tell the reasons apart.

/// Why a client is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its access token is not good, or missing.
    Token,
    /// There are as many connections as there may be.
    Connections,
    /// Its user has as many connections as a user may have.
    User,
    /// Its address has as many connections as one may have.
    Address,
    /// More clients connect than may in a second.
    Rate,
    /// The last sockets are for REST.
    Sockets,
    /// The service is at its end.
    Shutdown,
    /// No app server of its hub is connected.
    AppServer,
    /// The request names no connection that it may use.
    Connection,
    /// The request is wrong in another way.
    Request,
    /// The service itself failed.
    Internal,
}

impl Refused {
    pub(crate) const ALL: [Self; 11] = [
        Self::Token,
        Self::Connections,
        Self::User,
        Self::Address,
        Self::Rate,
        Self::Sockets,
        Self::Shutdown,
        Self::AppServer,
        Self::Connection,
        Self::Request,
        Self::Internal,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Connections => "connections",
            Self::User => "user",
            Self::Address => "address",
            Self::Rate => "rate",
            Self::Sockets => "sockets",
            Self::Shutdown => "shutdown",
            Self::AppServer => "app_server",
            Self::Connection => "connection",
            Self::Request => "request",
            Self::Internal => "internal",
        }
    }
}
