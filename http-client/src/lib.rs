//! The HTTP client under everything that calls out: REST calls, issuers of tokens, upstreams.
//!
//! A program makes one client and gives clones of it to all parts that make calls. The clones share
//! its connections.

#![warn(missing_docs)]

mod trust;

use std::{error::Error as StdError, time::Duration};

pub use reqwest::Error as RequestError;

pub use self::trust::{Trust, TrustError};

/// From the first packet to the end of the TLS handshake.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Shorter than the idle limit of usual servers and load balancers, so that a call seldom meets a
/// connection that the other side is about to close.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// No HTTP client could be set up: what the library says.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}")]
pub struct SetupError(#[source] Box<dyn StdError + Send + Sync>);

/// A client that follows no redirect, makes no call twice and uses no proxy. The time limit of a
/// call is for who makes it to set; that of a connection is 10 seconds.
///
/// ```
/// use signalr_http_client::{Trust, client};
///
/// let http = client(&Trust::default())?;
/// # Ok::<(), signalr_http_client::SetupError>(())
/// ```
///
/// # Errors
///
/// [`SetupError`].
pub fn client(trust: &Trust) -> Result<reqwest::Client, SetupError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(trust.tls().map_err(|error| SetupError(error.into()))?)
        .connect_timeout(CONNECT_LIMIT)
        .pool_idle_timeout(IDLE_LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()
        .map_err(|error| SetupError(error.into()))
}

/// What the operating system or TLS said, which the library keeps at the end of a chain of causes.
///
/// ```
/// # #[derive(Debug, thiserror::Error)]
/// # #[error("error sending request")]
/// # struct Sending(#[source] std::io::Error);
/// let error = Sending(std::io::Error::other("connection refused"));
/// assert_eq!(signalr_http_client::cause(&error), "connection refused");
/// ```
#[must_use]
pub fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
