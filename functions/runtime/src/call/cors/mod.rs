//! CORS: the browser origins that may read answers.

mod origin;
mod subdomains;

use std::{net::Ipv4Addr, net::Ipv6Addr, time::Duration};

use axum::http::HeaderValue;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use url::{Host, Url};

use self::{origin::origin_of, subdomains::Subdomains};
use crate::config::{
    environment::{ConfigError, Environment},
    variable,
};

/// How long a browser may keep the answer to a preflight.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3600);

/// The origins whose pages may call from a browser. None if nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins {
    exact: Vec<String>,
    subdomains: Vec<Subdomains>,
    /// Whether every page that this machine serves to itself may call.
    loopback: bool,
}

impl AllowedOrigins {
    pub(crate) fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let mut origins = Self::default();
        for entry in environment.list(variable::ALLOWED_ORIGINS)?.unwrap_or_default() {
            if entry == "loopback" {
                origins.loopback = true;
                continue;
            }
            let wrong = |problem| ConfigError::of(variable::ALLOWED_ORIGINS, problem);
            if entry.contains('*') {
                origins.subdomains.push(Subdomains::parse(&entry).map_err(wrong)?);
            } else {
                origins.exact.push(parse(&entry).map_err(wrong)?);
            }
        }
        Ok(origins)
    }

    /// Whether pages of this origin may call; `origin` is a request's `Origin` header.
    pub(crate) fn allow(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.exact.iter().any(|exact| exact == origin)
            || self.subdomains.iter().any(|subdomains| subdomains.have(origin))
            || (self.loopback && is_loopback(origin))
    }

    /// Echoes an allowed origin, allows credentials, and answers preflights with the requested
    /// methods and headers. Another origin gets no such header, so the browser hides the answer
    /// from the page.
    pub(crate) fn layer(&self) -> CorsLayer {
        let origins = self.clone();
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, _| origins.allow(origin)))
            .allow_credentials(true)
            .allow_methods(AllowMethods::mirror_request())
            .allow_headers(AllowHeaders::mirror_request())
            .max_age(PREFLIGHT_AGE)
    }
}

fn parse(entry: &str) -> Result<String, String> {
    const REMEDY: &str = "use scheme://host, with the port where it is not the usual one";
    match Url::parse(entry).ok().as_ref().and_then(origin_of) {
        Some(origin) if origin == entry => Ok(origin),
        Some(origin) => Err(format!("'{entry}' is not an origin; perhaps {origin} is meant")),
        None => Err(format!("'{entry}' is not an origin; {REMEDY}")),
    }
}

/// Whether an origin is exactly `http(s)://` and `localhost`, `127.0.0.1` or `[::1]`, on any port.
fn is_loopback(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    };
    let is_web = matches!(url.scheme(), "http" | "https");
    is_web && is_here && origin_of(&url).as_deref() == Some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    fn origins(value: &str) -> Result<AllowedOrigins, String> {
        config(&[("ALLOWED_ORIGINS", value)]).map(|config| config.origins)
    }

    fn allows(origins: &AllowedOrigins, origin: &'static [u8]) -> bool {
        origins.allow(&HeaderValue::from_static(std::str::from_utf8(origin).unwrap()))
    }

    #[test]
    fn only_the_exact_origin_is_allowed() {
        let origins = origins("https://app.example, capacitor://localhost").unwrap();
        for good in ["https://app.example", "capacitor://localhost"] {
            assert!(allows(&origins, good.as_bytes()), "{good}");
        }
        for bad in [
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.test",
            "https://evil.test#https://app.example",
            "http://localhost",
            "null",
            "",
        ] {
            assert!(!allows(&origins, bad.as_bytes()), "{bad}");
        }
        assert!(!origins.allow(&HeaderValue::from_bytes(b"https://\xff").unwrap()));
        assert!(!allows(&AllowedOrigins::default(), b"https://app.example"));
    }

    #[test]
    fn subdomains_are_allowed_beside_others() {
        let origins = origins("https://*.example.com, https://example.com").unwrap();
        for good in ["https://example.com", "https://pr-7.example.com"] {
            assert!(allows(&origins, good.as_bytes()), "{good}");
        }
        assert!(!allows(&origins, b"https://evil.test"));
    }

    #[test]
    fn loopback_is_this_machine_on_any_port() {
        let origins = origins("loopback").unwrap();
        for good in [
            "http://localhost:5173",
            "https://localhost",
            "http://127.0.0.1:1",
            "http://[::1]:8080",
        ] {
            assert!(allows(&origins, good.as_bytes()), "{good}");
        }
        for bad in [
            "http://localhost.evil.test",
            "http://localhost@evil.test",
            "http://evil.test/localhost",
            "http://127.0.0.2",
            "http://0x7f.1",
            "http://127.0.0.1.evil.test",
            "http://[::2]",
            "http://localhost/",
            "file://localhost",
            "null",
        ] {
            assert!(!allows(&origins, bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused_with_what_would_do() {
        let cases = [
            ("*", "list each origin"),
            ("https://*.example", "list each origin"),
            ("https://app.example,https://*.com", "'https://*.com' is too wide"),
            ("https://app.example/", "perhaps https://app.example is meant"),
            ("https://app.example:443", "perhaps https://app.example is meant"),
            ("HTTPS://App.example/chat?x", "perhaps https://app.example is meant"),
            ("app.example", "use scheme://host"),
            ("null", "use scheme://host"),
            ("Loopback", "use scheme://host"),
        ];
        for (value, part) in cases {
            let error = origins(value).unwrap_err();
            assert!(error.starts_with("ALLOWED_ORIGINS: ") && error.contains(part), "{error}");
        }
    }
}
