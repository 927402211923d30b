//! Under which names the port for operators answers.
//!
//! A web page can let its own name point to an address of the operator's network (DNS rebinding), and
//! then read what is there. Such a request has the page's name in its header Host.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State as Extract},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header, uri::Authority};

const REFUSED: &str = "the header Host names another host than this one; use an address or localhost, or name \
     the host in --admin-host\n";

/// The names that are good besides `localhost` and addresses.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Whether a request is meant for this host. Addresses are nobody's to give away.
    fn are_named_by(&self, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(header::HOST).iter();
        let (Some(named), None) = (named.next(), named.next()) else { return false };
        let Some(authority) = named.to_str().ok().and_then(|text| text.parse::<Authority>().ok())
        else {
            return false;
        };
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_known = |name: &str| host.eq_ignore_ascii_case(name);
        address.parse::<IpAddr>().is_ok()
            || is_known("localhost")
            || self.0.iter().any(|name| is_known(name))
    }
}

/// Refuses what is meant for another host.
pub(super) async fn check(
    Extract(hosts): Extract<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    if hosts.are_named_by(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, REFUSED).into_response()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn addresses_and_known_names_are_good_and_others_are_not() {
        let hosts = Hosts::new(vec!["metrics.internal".to_owned()]);
        let is_good = |host: &'static [u8]| {
            let host = HeaderValue::from_bytes(host).unwrap();
            hosts.are_named_by(&HeaderMap::from_iter([(header::HOST, host)]))
        };
        for good in [
            "localhost",
            "LOCALHOST:9",
            "127.0.0.1:8889",
            "[::1]:8889",
            "10.1.2.3",
            "metrics.internal:1",
        ] {
            assert!(is_good(good.as_bytes()), "{good}");
        }
        for bad in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ":80"] {
            assert!(!is_good(bad.as_bytes()), "{bad}");
        }
        assert!(!is_good(b"\xff"));
        assert!(!hosts.are_named_by(&HeaderMap::new()));
        let mut twice = HeaderMap::new();
        twice.append(header::HOST, HeaderValue::from_static("localhost"));
        twice.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(!hosts.are_named_by(&twice));
    }
}
