//! A further name under which a service is known, beside the ones that requests come with.

use std::str::FromStr;

use url::Url;

/// A host, with its port if it matters, and the path that a gateway has in front of the service's.
///
/// ```
/// use signalr_service::HostName;
///
/// let name: HostName = "gateway.example.com/realtime".parse()?;
/// assert_eq!(name.host(), "gateway.example.com");
/// assert_eq!(name.prefix(), "/realtime");
/// assert!("https://gateway.example.com:8443/".parse::<HostName>().is_ok());
/// # Ok::<(), signalr_service::HostNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    host: String,
    prefix: String,
}

/// A text that is not a name of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a host name; use one such as gateway.example.com, with a port or a path if the gateway has them"
)]
pub struct HostNameError(String);

impl HostName {
    /// The host, and `:port` if one was given that is not its scheme's own.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path in front of the service's, such as `/realtime`; empty if there is none.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let bad = || HostNameError(text.chars().take(100).collect());
        let url = match text.contains("://") {
            true => Url::parse(text),
            false => Url::parse(&format!("http://{text}")),
        };
        let url = url.map_err(|_| bad())?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let host = url.host_str().filter(|_| is_plain && !text.starts_with('/'));
        let host = host.ok_or_else(bad)?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { host, prefix: url.path().trim_end_matches('/').to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_host_with_or_without_port_and_path() {
        for (text, host, prefix) in [
            ("gw", "gw", ""),
            ("GW.example:444/", "gw.example:444", ""),
            ("https://gw/a/b/", "gw", "/a/b"),
            ("[::1]:8888", "[::1]:8888", ""),
            ("http://gw:80/x", "gw", "/x"),
        ] {
            let name: HostName = text.parse().unwrap();
            assert_eq!((name.host(), name.prefix()), (host, prefix), "{text}");
        }
        for bad in ["", " ", "/path", "ftp://gw", "gw?x", "gw#x", "user@gw", "a b", "http://"] {
            let error = bad.parse::<HostName>().unwrap_err().to_string();
            assert!(error.contains(bad), "{error}");
        }
    }
}
