//! The error of this crate's calls, and who can correct it.

use std::{error::Error as StdError, fmt, time::Duration};

use http::StatusCode;

use crate::{
    causes::with_causes,
    connection_string::error::ConnectionStringError,
    name::{ConnectionId, NameError},
    operation::{ApiVersion, Operation},
};

/// Why a call failed. [`Error::fault`] says who can correct it.
///
/// No text contains a key, a secret or a token.
///
/// ```
/// use signalr_serverless::{Error, Fault};
///
/// fn is_worth_a_retry(error: &Error) -> bool {
///     matches!(error.fault(), Fault::Service | Fault::Network)
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection string cannot be used.
    #[error(transparent)]
    ConnectionString(#[from] ConnectionStringError),
    /// The connection string names a Microsoft Entra identity, but an access key is required.
    #[error(
        "the connection string names a Microsoft Entra identity, which cannot be used here; build with the feature 'entra', or use a connection string with an AccessKey"
    )]
    EntraNotSupported,
    /// There is no Microsoft Entra token for the service.
    #[error(
        "no Microsoft Entra token for the service: {problem}; check the identity of the connection string"
    )]
    EntraToken {
        /// The error of the token source.
        problem: String,
    },
    /// No HTTP client could be set up.
    #[cfg(feature = "rest")]
    #[error(transparent)]
    HttpClient(#[from] signalr_http_client::SetupError),

    /// A name is not valid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A value is not valid.
    #[error("{what} {problem}; {remedy}")]
    InvalidValue {
        /// The meaning of the value, such as `lifetime`.
        what: &'static str,
        /// What is wrong with the value.
        problem: String,
        /// What would be right.
        remedy: &'static str,
    },
    /// The token would be longer than the service accepts.
    #[error(
        "the token has {size} characters, more than the 4096 that the service takes; give it fewer or shorter claims"
    )]
    TokenTooLong {
        /// The length in characters.
        size: usize,
    },
    /// The message could not be written as JSON.
    #[error("the message cannot be written as JSON")]
    Unserializable(#[source] serde_json::Error),
    /// The chosen API version does not have the operation; nothing was sent.
    #[error("{operation:?} does not exist in API version {version}; {remedy}", remedy = Versions(*operation))]
    UnsupportedOperation {
        /// The requested operation.
        operation: Operation,
        /// The chosen version.
        version: ApiVersion,
    },

    /// Nothing was sent, because the client was made by
    /// [`without_sending`](crate::rest::RestClient::without_sending).
    #[cfg(feature = "rest")]
    #[error("nothing was sent, as was asked for:\n{0}")]
    NotSent(Box<crate::rest::RequestPreview>),

    /// The service answered with an error.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The connection is gone: nothing reached its client.
    #[error("the connection {connection} is gone")]
    ConnectionGone {
        /// The connection.
        connection: ConnectionId,
    },
    /// No open connection has the connection token of a login: its client is gone or never existed.
    #[error("no open connection of the hub has this connection token; its client is gone")]
    LoginGone,
    /// The claims of a renewed login name another user than the connection's. Nothing was changed.
    #[error(
        "the claims name another user than the connection's, and nothing was changed; leave the user out"
    )]
    OtherUser,
    /// The client answered an invocation with an error.
    #[error("the invocation of the connection {connection} failed: {message}")]
    InvocationFailed {
        /// The connection.
        connection: ConnectionId,
        /// The service's text, which includes the client's own words.
        message: String,
    },
    /// The client did not answer an invocation in time. It is unknown whether the client executed
    /// the method.
    #[error(
        "the client of the connection {connection} did not answer in time; what was asked may or may not be done"
    )]
    InvocationTimedOut {
        /// The connection.
        connection: ConnectionId,
    },
    /// The service answered with success, but the body is not valid.
    #[error("{endpoint} answered {operation:?} with a body that cannot be read: {problem}")]
    InvalidReply {
        /// `host:port` of the service.
        endpoint: String,
        /// The operation that was called.
        operation: Operation,
        /// What is wrong with the body.
        problem: String,
    },

    /// None of several endpoints is online; nothing was sent.
    #[error("none of the endpoints {endpoints} is online; check that the services are up")]
    NoEndpointOnline {
        /// The names of the endpoints, with commas between.
        endpoints: String,
    },
    /// No connection to the service could be opened. Nothing was sent.
    #[error("cannot connect to {endpoint}; check the endpoint and that the service is up")]
    Unreachable {
        /// `host:port` of the service.
        endpoint: String,
        /// The error of the operating system or of TLS.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The service did not answer in time. It is unknown whether the call was done.
    #[error("{endpoint} did not answer within {limit:?}; what was asked may or may not be done")]
    TimedOut {
        /// `host:port` of the service.
        endpoint: String,
        /// The time limit of the call.
        limit: Duration,
    },
    /// The connection broke during the call. It is unknown whether the call was done.
    #[error("the connection to {endpoint} broke; what was asked may or may not be done")]
    Interrupted {
        /// `host:port` of the service.
        endpoint: String,
        /// The error of the broken connection.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Error {
    /// The text with the texts of its causes, for a log. A cause is, for example, what TLS found
    /// wrong with a certificate.
    ///
    /// ```
    /// # let source = std::io::Error::other("connection refused").into();
    /// # let error = signalr_serverless::Error::Unreachable { endpoint: "x:443".to_owned(), source };
    /// assert!(!error.to_string().contains("connection refused"));
    /// assert!(error.with_causes().contains("connection refused"));
    /// ```
    #[must_use]
    pub fn with_causes(&self) -> String {
        with_causes(self)
    }

    /// Who can correct the error.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::ConnectionString(_) | Self::EntraNotSupported | Self::EntraToken { .. } => {
                Fault::Configuration
            }
            #[cfg(feature = "rest")]
            Self::HttpClient(_) => Fault::Configuration,
            #[cfg(feature = "rest")]
            Self::NotSent(_) => Fault::Caller,
            Self::Name(_)
            | Self::InvalidValue { .. }
            | Self::OtherUser
            | Self::TokenTooLong { .. }
            | Self::Unserializable(_)
            | Self::UnsupportedOperation { .. } => Fault::Caller,
            Self::Refused(refusal) => refusal.fault(),
            Self::ConnectionGone { .. }
            | Self::LoginGone
            | Self::InvocationFailed { .. }
            | Self::InvocationTimedOut { .. } => Fault::Client,
            Self::InvalidReply { .. } | Self::NoEndpointOnline { .. } => Fault::Service,
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Interrupted { .. } => {
                Fault::Network
            }
        }
    }
}

/// Who can correct an error.
///
/// ```
/// use signalr_serverless::{ConnectionString, Error, Fault};
///
/// let error = ConnectionString::parse("Endpoint=localhost;AccessKey=k").unwrap_err();
/// assert_eq!(Error::from(error).fault(), Fault::Configuration);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The code that made the call: a name, a claim or a message is wrong.
    Caller,
    /// The setup of the program: the connection string, the key or the endpoint is wrong.
    Configuration,
    /// The client at the other end of a connection: it is gone, failed or did not answer.
    Client,
    /// The service: it failed, or is too busy.
    Service,
    /// The network between this program and the service.
    Network,
}

/// An answer of the service that is not success. [`Refusal::has_code`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// `host:port` of the service.
    pub endpoint: String,
    /// The operation that was called.
    pub operation: Operation,
    /// The HTTP status.
    pub status: StatusCode,
    /// The service's code for the error, from `x-ms-error-code` or the body.
    pub code: Option<String>,
    /// The service's own words.
    pub message: Option<String>,
    /// How long the service asks to wait before the next call, from `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Whether the service gave this code; case does not count.
    ///
    /// ```
    /// # fn example(refusal: &signalr_serverless::Refusal) -> bool {
    /// refusal.has_code(signalr_serverless::error_code::CONNECTION_NOT_EXISTED)
    /// # }
    /// ```
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(code))
    }

    fn fault(&self) -> Fault {
        match self.status.as_u16() {
            300..=399 | 401 | 403..=405 => Fault::Configuration,
            408 | 429 => Fault::Service,
            400..=499 => Fault::Caller,
            _ => Fault::Service,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self.status.as_u16() {
            401 => Some(
                "check that the access key is one of the service's, or the Microsoft Entra identity \
                 of its directory, that the token's audience is the URL the service knows itself \
                 by, and that this machine's clock is right",
            ),
            403 => Some(
                "check the network access rules of the service, and that a Microsoft Entra identity \
                 has the role SignalR App Server or SignalR Service Owner, which can take 30 \
                 minutes to count",
            ),
            404 | 405 => Some("check the endpoint of the connection string"),
            413 => Some("send a smaller message"),
            429 => Some("send less, or give the service more units"),
            300..=399 => Some("redirects are not followed; use the endpoint it points to"),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {:?} with {}", self.endpoint, self.operation, self.status)?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        match self.hint() {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// The versions that have an operation, for the advice in an error text.
struct Versions(Operation);

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_it = |version: &ApiVersion| self.0.route(*version).is_some();
        let versions = ApiVersion::ALL.into_iter().filter(has_it).map(ApiVersion::as_str);
        write!(f, "use {}", versions.collect::<Vec<_>>().join(" or "))
    }
}
