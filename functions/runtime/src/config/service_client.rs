//! The client with which functions call the service.

use std::time::Duration;

use signalr_serverless::rest::{RestClient, RetryPolicy};

use crate::config::{Config, environment::ConfigError};

/// The time limit of one call to the service, with its retry. API gateways wait 29 seconds for a
/// function, and our own answer says more than theirs.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// The pause before a retry. If a connection died while the process was frozen, it fails at once,
/// and the next call opens a new one.
const BEFORE_RETRY: Duration = Duration::from_millis(50);

const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A client of the service. Clones share its connections and its identity's tokens, so one is
/// enough for a process.
///
/// A failed call is repeated once if that does no harm ([`RetryPolicy`] says when).
///
/// # Errors
///
/// [`ConfigError`] if the connection string names an identity that cannot be used.
pub fn service_client(config: &Config) -> Result<RestClient, ConfigError> {
    let retry = RetryPolicy::fixed(1, BEFORE_RETRY)
        .with_longest_retry_after(LONGEST_RETRY_AFTER)
        .with_time_limit(TIME_LIMIT);
    let client = RestClient::with_http_client(&config.connection_string, config.http.get()?)?;
    Ok(client.with_time_limit(TIME_LIMIT).with_retries(retry))
}
