//! The errors, one type for connecting and one for calls.

use http::StatusCode;

use crate::payload::PayloadError;

/// Why no connection was made. The texts name what was wrong and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL of the hub is not a URL.
    #[error(
        "'{url}' is not the URL of a hub: {problem}; use one such as http://localhost:7071/api/chat"
    )]
    InvalidUrl {
        /// The given URL.
        url: String,
        /// The fault of the URL.
        problem: String,
    },
    /// The choices of the client do not fit together.
    #[error("{0}")]
    InvalidChoice(&'static str),
    /// The source of tokens gave none.
    #[error("there is no token to connect with: {0}")]
    Token(String),
    /// Nothing answers at the address.
    #[error("cannot connect to {host}: {problem}; check the address and that the server is up")]
    Unreachable {
        /// `host:port`.
        host: String,
        /// The error of the operating system or of TLS.
        problem: String,
    },
    /// The server answered with a status that is not a success.
    #[error("{host} answered {status}{}", with_text(text))]
    Refused {
        /// `host:port`.
        host: String,
        /// The HTTP status.
        status: StatusCode,
        /// The beginning of the server's answer.
        text: String,
    },
    /// The server's answer is not that of a SignalR server.
    #[error("{host} does not answer as a SignalR server: {problem}; check the URL")]
    NotSignalR {
        /// `host:port`.
        host: String,
        /// The fault of the answer.
        problem: String,
    },
    /// The server refuses the negotiation in its own words.
    #[error("the server refused the negotiation: {0}")]
    Negotiation(String),
    /// Too many redirects from one negotiation to the next.
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
    /// The connection opened and ended before its handshake was done.
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

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The method failed, in the server's words.
    #[error("the server says: {0}")]
    Server(String),
    /// The arguments cannot be encoded, or the result has another shape. In the second case the
    /// call itself succeeded.
    #[error("the value does not fit: {0}")]
    Payload(#[from] PayloadError),
    /// The connection was lost while the call was under way. It is unknown whether the call was
    /// done.
    #[error("the connection was lost; what was asked may or may not be done")]
    Lost,
    /// The client is connecting again; nothing was sent.
    #[error("there is no connection at the moment; wait until it is made again")]
    NotConnected,
    /// The connection has ended; nothing was sent.
    #[error("the connection has ended")]
    Closed,
    /// Too many calls wait for an answer; nothing was sent.
    #[error("{0} calls wait for an answer already; wait for some of them")]
    TooMany(usize),
}
