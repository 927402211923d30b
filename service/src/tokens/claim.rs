//! Why a connection token is refused, and how long one is valid.

use std::time::Duration;

use signalr_serverless::ConnectionId;

use crate::carrier::Transport;

/// How long a client has to connect after its negotiation. Source: ASP.NET Core's default.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a connection token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimError {
    Unknown,
    /// This transport is connected with this token already.
    Connected(Transport),
    /// Another transport is connected with this token.
    OtherTransport,
    /// The token was issued to another client.
    OtherClient,
    /// Another node may have the connection.
    Elsewhere(ConnectionId),
    /// The broker cannot be asked which node has it.
    Down,
}
