//! The address of the broker, and the prefix of the cluster on it.

use std::fmt;

use redis::{Client, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, TlsCertificates};

const DEFAULT_PREFIX: &str = "rt1";

/// A broker, and the prefix of a cluster on it. Clusters with different prefixes do not see each
/// other.
///
/// ```
/// use signalr_service::BrokerSettings;
///
/// let settings = BrokerSettings::parse("rediss://node:secret@redis.example.com:6379")?;
/// let settings = settings.with_prefix("staging")?;
/// assert!(!format!("{settings:?}").contains("secret"));
/// # Ok::<(), signalr_service::BrokerSettingsError>(())
/// ```
#[derive(Clone)]
pub struct BrokerSettings {
    info: redis::ConnectionInfo,
    prefix: String,
    /// The certificates of the authorities that may sign the broker's certificate, in place of the
    /// public ones.
    authorities: Option<Vec<u8>>,
}

/// Settings that no broker can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerSettingsError {
    /// The URL is not a URL of Redis. It may contain a password, so it is not shown.
    #[error(
        "the URL of the broker cannot be read: {0}; write redis://HOST:PORT, or \
         rediss://USER:PASSWORD@HOST:PORT with TLS"
    )]
    Url(String),
    /// The prefix has a character that could be confused with the names after it.
    #[error("the prefix '{0}' is not 1 to 64 letters, digits, '-', '_' and '.'")]
    Prefix(String),
}

impl BrokerSettings {
    /// Reads the URL of a broker: `redis://`, or `rediss://` for TLS, with a user and a password if
    /// they are needed.
    ///
    /// # Errors
    ///
    /// [`BrokerSettingsError::Url`] names the part that cannot be read.
    pub fn parse(url: &str) -> Result<Self, BrokerSettingsError> {
        let bad = |problem: &str| BrokerSettingsError::Url(problem.to_owned());
        if !url.starts_with("redis://") && !url.starts_with("rediss://") {
            return Err(bad("it begins with neither redis:// nor rediss://"));
        }
        let info = url.into_connection_info().map_err(|_| bad("a part of it is wrong"))?;
        let redis: RedisConnectionInfo =
            info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let prefix = DEFAULT_PREFIX.to_owned();
        Ok(Self { info: info.set_redis_settings(redis), prefix, authorities: None })
    }

    /// Uses another prefix than `rt1` for all channels and keys.
    ///
    /// # Errors
    ///
    /// [`BrokerSettingsError::Prefix`] if the prefix has a character that is not allowed.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, BrokerSettingsError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if prefix.is_empty() || prefix.len() > 64 || !prefix.chars().all(allowed) {
            return Err(BrokerSettingsError::Prefix(prefix.chars().take(64).collect()));
        }
        Ok(Self { prefix: prefix.to_owned(), ..self })
    }

    /// Uses other authorities than the public ones for `rediss://`. Their certificates are in PEM.
    #[must_use]
    pub fn with_authorities(self, pem: Vec<u8>) -> Self {
        Self { authorities: Some(pem), ..self }
    }

    /// The address of the broker, for errors and logs.
    pub(super) fn address(&self) -> String {
        self.info.addr().to_string()
    }

    pub(super) fn client(&self) -> redis::RedisResult<Client> {
        match &self.authorities {
            None => Client::open(self.info.clone()),
            Some(pem) => {
                let root_cert = Some(pem.clone());
                let certificates = TlsCertificates { client_tls: None, root_cert };
                Client::build_with_tls(self.info.clone(), certificates)
            }
        }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl fmt::Debug for BrokerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address();
        f.debug_struct("BrokerSettings")
            .field("address", &address)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_broker_is_refused_without_its_password() {
        for bad in ["", "localhost", "nats://:secret@host", "redis://:secret@host:port", "redis://"]
        {
            let Err(error) = BrokerSettings::parse(bad) else { panic!("{bad}") };
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let settings = BrokerSettings::parse("redis://127.0.0.1:7000").unwrap();
        for bad in ["", "a:b", "a*", &"a".repeat(65)] {
            assert!(settings.clone().with_prefix(bad).is_err(), "{bad}");
        }
    }
}
