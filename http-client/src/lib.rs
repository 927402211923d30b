//! The HTTP client for all outgoing calls: REST calls, issuers of tokens, upstreams.
//!
//! A program makes one client and gives clones of it to all parts that make calls. The clones share
//! its connections.

#![warn(missing_docs)]

mod trust;

use std::{error::Error as StdError, time::Duration};

pub use reqwest::{Client as HttpClient, Error as RequestError};

pub use self::trust::{Trust, TrustError};

/// The time limit from the first packet to the end of the TLS handshake.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept. This is shorter than the limit of usual servers and load
/// balancers, so a call seldom uses a connection that the other side is about to close.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// The HTTP client cannot be set up. The text has the error of the library.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}")]
pub struct SetupError(#[source] Box<dyn StdError + Send + Sync>);

/// A client that follows no redirect, makes no call twice and uses no proxy. Opening a connection
/// may take 10 seconds. The caller sets the time limit of each call.
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

/// The error of the operating system or of TLS. The library keeps it at the end of a chain of
/// causes.
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
