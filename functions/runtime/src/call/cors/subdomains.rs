//! Origins with a wildcard for the subdomain: `https://*.example.com`.

use url::{Host, Url};

use super::origin::origin_of;

/// The subdomains of a domain, at any depth, without the domain itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subdomains {
    scheme: String,
    /// The domain with a dot in front.
    suffix: String,
    port: Option<u16>,
}

/// Names below the domain of a country under which everybody can register a domain.
const SECOND_LEVEL: [&str; 16] = [
    "ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "id", "ltd", "mil", "ne", "net",
    "or", "org",
];

/// Domains directly under which everybody can have a site.
const SHARED: [&str; 21] = [
    "amplifyapp.com",
    "appspot.com",
    "cloudfront.net",
    "deno.dev",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "surge.sh",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// Shared domains with regions, numbers and services in between.
const SHARED_AT_ANY_DEPTH: [&str; 10] = [
    "amazonaws.com",
    "azure-api.net",
    "azure.com",
    "azurecontainerapps.io",
    "azureedge.net",
    "azurefd.net",
    "azurestaticapps.net",
    "azurewebsites.net",
    "run.app",
    "windows.net",
];

impl Subdomains {
    /// Reads `scheme://*.domain`, with the port if it is not the usual one.
    ///
    /// # Errors
    ///
    /// A text that says why the entry cannot be used, and what would be right.
    pub(super) fn parse(entry: &str) -> Result<Self, String> {
        let shape = || {
            format!(
                "'{entry}' has a * that is not the first part of the host; use https://*.example.com, or list each origin"
            )
        };
        let (scheme, domain) = entry.split_once("://*.").ok_or_else(shape)?;
        if domain.contains('*') {
            return Err(shape());
        }
        let plain = format!("{scheme}://{domain}");
        let url = Url::parse(&plain).ok().filter(|url| origin_of(url).as_deref() == Some(&plain));
        let url = url.ok_or_else(|| {
            format!("'{entry}' is not an origin; use scheme://*.domain, with the port where it is not the usual one")
        })?;
        if !matches!(scheme, "http" | "https") {
            return Err(format!("'{entry}' has subdomains, which only http and https have"));
        }
        let Some(Host::Domain(domain)) = url.host() else {
            return Err(format!("'{entry}' is an address, and addresses have no subdomains"));
        };
        if is_everybodys(domain) {
            return Err(format!(
                "'{entry}' is too wide: anybody can have a site under {domain}, and its pages could call as your users; list each origin"
            ));
        }
        Ok(Self { scheme: scheme.to_owned(), suffix: format!(".{domain}"), port: url.port() })
    }

    /// Whether `origin`, in the form of browsers, is one of these subdomains.
    pub(super) fn have(&self, origin: &str) -> bool {
        let Ok(url) = Url::parse(origin) else { return false };
        let Some(Host::Domain(host)) = url.host() else { return false };
        let name = host.strip_suffix(&*self.suffix);
        url.scheme() == self.scheme
            && url.port() == self.port
            && name.is_some_and(|name| name.split('.').all(is_label))
            && origin_of(&url).as_deref() == Some(origin)
    }
}

fn is_label(label: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !label.is_empty() && label.bytes().all(is_letter)
}

/// Whether other people can have a site under this domain. This is an approximation: only the list of
/// all registries' rules is exact, and that list is larger than this program.
fn is_everybodys(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.');
    let is_registry = match domain.split('.').collect::<Vec<_>>().as_slice() {
        [] | [_] => true,
        [second, country] => country.len() == 2 && SECOND_LEVEL.contains(second),
        _ => false,
    };
    let is_below = |shared: &&str| {
        domain.strip_suffix(*shared).is_some_and(|front| front.is_empty() || front.ends_with('.'))
    };
    is_registry || SHARED.contains(&domain) || SHARED_AT_ANY_DEPTH.iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subdomains_of_any_depth_are_meant_and_nothing_else() {
        let subdomains = Subdomains::parse("https://*.example.com").unwrap();
        for good in ["https://a.example.com", "https://a.b.example.com", "https://x-1.example.com"]
        {
            assert!(subdomains.have(good), "{good}");
        }
        for bad in [
            "https://example.com",
            "https://.example.com",
            "https://a..example.com",
            "https://aexample.com",
            "https://a.example.com.evil.test",
            "https://evil.test/.example.com",
            "https://evil.test#.example.com",
            "https://user@a.example.com",
            "https://a.example.com/",
            "https://a.example.com:8443",
            "http://a.example.com",
            "https://A.example.com",
            "https://*.example.com",
            "null",
            "",
        ] {
            assert!(!subdomains.have(bad), "{bad}");
        }
        let with_port = Subdomains::parse("http://*.example.com:8080").unwrap();
        assert!(with_port.have("http://a.example.com:8080"));
        assert!(!with_port.have("http://a.example.com"));
        for own in
            ["https://*.shop.co.uk", "https://*.my-project.pages.dev", "https://*.io.example"]
        {
            assert!(Subdomains::parse(own).is_ok(), "{own}");
        }
    }

    #[test]
    fn a_pattern_that_is_too_wide_or_has_another_shape_is_refused() {
        for (entry, part) in [
            ("*", "first part of the host"),
            ("https://*", "first part of the host"),
            ("https://*:8080", "first part of the host"),
            ("*.example.com", "first part of the host"),
            ("https://a.*.example.com", "first part of the host"),
            ("https://a*.example.com", "first part of the host"),
            ("https://*.*.example.com", "first part of the host"),
            ("https://example.*", "first part of the host"),
            ("https://*.com", "too wide"),
            ("https://*.com:8443", "too wide"),
            ("https://*.localhost", "too wide"),
            ("https://*.co.uk", "too wide"),
            ("https://*.com.au", "too wide"),
            ("https://*.github.io", "too wide"),
            ("https://*.azurewebsites.net", "too wide"),
            ("https://*.2.azurestaticapps.net", "too wide"),
            ("https://*.s3.eu-west-1.amazonaws.com", "too wide"),
            ("https://*.example.com/", "is not an origin"),
            ("https://*.Example.com", "is not an origin"),
            ("https://*.example.com:443", "is not an origin"),
            ("https://*.", "is not an origin"),
            ("https://*.1.2.3.4", "is an address"),
            ("capacitor://*.example.com", "only http and https"),
        ] {
            let problem = Subdomains::parse(entry).unwrap_err();
            assert!(problem.contains(part), "{entry}: {problem}");
        }
    }
}
