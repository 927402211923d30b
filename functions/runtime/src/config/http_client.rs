//! The process's one HTTP client: for the service, its identity's tokens and the issuer of callers'
//! tokens.

#[cfg(feature = "http-client")]
use std::sync::{Arc, OnceLock};

#[cfg(feature = "http-client")]
use signalr_http_client::Trust;

use crate::config::environment::{ConfigError, Environment};
#[cfg(feature = "http-client")]
use crate::config::variable;

/// A build that makes no call has no HTTP client.
#[cfg(not(feature = "http-client"))]
#[derive(Clone, Debug)]
pub(crate) struct HttpClient;

#[cfg(not(feature = "http-client"))]
impl HttpClient {
    pub(crate) fn from_environment(_: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self)
    }
}

/// The process's one HTTP client. Clones share it. It is made when it is first needed, because many
/// functions never need it.
#[cfg(feature = "http-client")]
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    trust: Trust,
    made: Arc<OnceLock<reqwest::Client>>,
}

#[cfg(feature = "http-client")]
impl HttpClient {
    pub(crate) fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let trust = match environment.text(variable::TRUSTED_CERTIFICATES)? {
            Some(file) => Trust::from_file(file.as_ref())
                .map_err(|error| ConfigError::of(variable::TRUSTED_CERTIFICATES, error))?,
            None => Trust::default(),
        };
        Ok(Self { trust, made: Arc::default() })
    }

    pub(crate) fn get(&self) -> Result<reqwest::Client, ConfigError> {
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let made = signalr_http_client::client(&self.trust)
            .map_err(|error| ConfigError::of(variable::TRUSTED_CERTIFICATES, error))?;
        Ok(self.made.get_or_init(|| made).clone())
    }
}

#[cfg(all(test, feature = "http-client"))]
mod tests {
    use crate::config::tests::config;

    #[test]
    fn a_file_without_authorities_is_refused() {
        for (file, part) in [
            ("/nowhere/authority.pem", "'/nowhere/authority.pem' cannot be read: "),
            (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "has no certificate"),
        ] {
            let error = config(&[("SSL_CERT_FILE", file)]).unwrap_err();
            assert!(error.starts_with("SSL_CERT_FILE: '") && error.contains(part), "{error}");
        }
    }
}
