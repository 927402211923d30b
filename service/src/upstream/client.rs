//! The HTTP client that calls upstreams.

use std::{error::Error, sync::Arc, time::Duration};

use super::Limits;

/// Why there is no HTTP client.
pub(crate) type ClientError = Box<dyn Error + Send + Sync>;

/// A client that follows no redirect, retries nothing and uses no proxy. TLS trusts the public
/// authorities that Mozilla trusts, compiled in.
pub(super) fn build(limits: &Limits) -> Result<reqwest::Client, ClientError> {
    const CONNECT_LIMIT: Duration = Duration::from_secs(10);
    /// Shorter than the idle limit of usual servers, so that an event seldom meets a connection
    /// that the other side is about to close.
    const IDLE_LIMIT: Duration = Duration::from_secs(30);

    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("signalr-service/", env!("CARGO_PKG_VERSION")))
        .timeout(limits.time)
        .connect_timeout(CONNECT_LIMIT)
        .pool_idle_timeout(IDLE_LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()?;
    Ok(client)
}
