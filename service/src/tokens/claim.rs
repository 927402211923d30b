//! Why a connection token does not lead to a connection, and for how long one may.

use std::time::Duration;

use signalr_serverless::ConnectionId;

use crate::carrier::Transport;

/// How long a client has to connect after its negotiation. Source: ASP.NET Core's default.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a token does not lead to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimError {
    Unknown,
    /// This transport is connected with this token already.
    Connected(Transport),
    /// Another transport is connected with this token.
    OtherTransport,
    /// The token was issued to somebody else.
    OtherClient,
    /// Another node may have the connection.
    Elsewhere(ConnectionId),
    /// The broker cannot be asked who has it.
    Down,
}
