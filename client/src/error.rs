//! What can go wrong, by the step it goes wrong in.

use http::StatusCode;

use crate::payload::PayloadError;

/// No connection came about. The texts name what was wrong and what would do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL of the hub is none.
    #[error(
        "'{url}' is not the URL of a hub: {problem}; use one such as http://localhost:7071/api/chat"
    )]
    InvalidUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The choices of the client do not fit together.
    #[error("{0}")]
    InvalidChoice(&'static str),
    /// No token came from its source.
    #[error("there is no token to connect with: {0}")]
    Token(String),
    /// Nobody answers there.
    #[error("cannot connect to {host}: {problem}; check the address and that the server is up")]
    Unreachable {
        /// `host:port`.
        host: String,
        /// What the operating system or TLS said.
        problem: String,
    },
    /// The server answered, with a status that is no success.
    #[error("{host} answered {status}{}", with_text(text))]
    Refused {
        /// `host:port`.
        host: String,
        /// The HTTP status.
        status: StatusCode,
        /// The beginning of what the server says of it.
        text: String,
    },
    /// The server answered, with what no SignalR server says.
    #[error("{host} does not answer as a SignalR server: {problem}; check the URL")]
    NotSignalR {
        /// `host:port`.
        host: String,
        /// What came.
        problem: String,
    },
    /// The server refuses the negotiation in its own words.
    #[error("the server refused the negotiation: {0}")]
    Negotiation(String),
    /// One negotiation led to the next, again and again.
    #[error("the negotiation was sent on more than {0} times; check where the negotiate URL leads")]
    TooManyRedirects(u32),
    /// The server has none of the transports that may be used.
    #[error("the server offers {offered}, of which none may be used here")]
    NoTransport {
        /// The names, with commas between.
        offered: String,
    },
    /// The server refuses the handshake in its own words.
    #[error("the server refused the handshake: {0}")]
    Handshake(String),
    /// The connection came about and ended before its handshake was done.
    #[error("the connection ended before the handshake: {0}")]
    Ended(String),
    /// Connecting took too long.
    #[error("connecting took more than {0:?}")]
    TimedOut(std::time::Duration),
    /// No HTTP client could be set up.
    #[error(transparent)]
    Setup(#[from] signalr_http_client::SetupError),
}

impl ConnectError {
    /// The HTTP status, if the server refused with one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn with_text(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// A call that did not bring what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The method failed, in the server's words.
    #[error("the server says: {0}")]
    Server(String),
    /// The arguments cannot be encoded, or the result is of another shape; nothing can be said of
    /// the call itself in the second case except that it succeeded.
    #[error("the value does not fit: {0}")]
    Payload(#[from] PayloadError),
    /// The connection was lost while the call was under way. It may or may not have been done.
    #[error("the connection was lost; what was asked may or may not be done")]
    Lost,
    /// The connection is being made anew; nothing was sent.
    #[error("there is no connection at the moment; wait until it is made again")]
    NotConnected,
    /// The connection has ended; nothing was sent.
    #[error("the connection has ended")]
    Closed,
    /// Too many calls wait for an answer; nothing was sent.
    #[error("{0} calls wait for an answer already; wait for some of them")]
    TooMany(usize),
}
