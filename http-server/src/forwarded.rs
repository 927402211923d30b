//! Finds the caller behind a proxy.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

pub(crate) fn is_trusted(proxies: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    proxies.iter().any(|net| net.contains(&address))
}

/// The caller that trusted proxies name: in `X-Forwarded-For`, the last address that is not a trusted
/// proxy. Each proxy appends the address that called it. The caller itself may have sent everything
/// before that.
pub(crate) fn caller(proxies: &[IpNet], headers: &HeaderMap) -> Option<IpAddr> {
    let lines = headers.get_all(FORWARDED_FOR).into_iter().rev();
    for line in lines {
        for entry in line.to_str().ok()?.rsplit(',') {
            let address = parse(entry.trim())?;
            if !is_trusted(proxies, address) {
                return Some(address);
            }
        }
    }
    None
}

/// An address as proxies write it. Some proxies add the port.
fn parse(entry: &str) -> Option<IpAddr> {
    let in_brackets = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']'));
    let address = in_brackets.unwrap_or(entry).parse();
    let with_port = || entry.parse::<SocketAddr>().map(|address| address.ip());
    address.or_else(|_| with_port()).ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

    use super::*;

    fn caller_in(lines: &[&'static str]) -> Option<String> {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        caller(&proxies, &headers).map(|address| address.to_string())
    }

    #[test]
    fn the_last_address_that_is_no_proxys_is_the_callers() {
        for (lines, expected) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["192.0.2.9, 192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1, 10.0.0.7,fd00::1"], "192.0.2.1"),
            (&["192.0.2.9", "192.0.2.1", "10.1.1.1"], "192.0.2.1"),
            (&["192.0.2.1:5000"], "192.0.2.1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:5000"], "2001:db8::1"),
            (&["nonsense, 192.0.2.1"], "192.0.2.1"),
        ] {
            assert_eq!(caller_in(lines).as_deref(), Some(expected), "{lines:?}");
        }
    }

    #[test]
    fn what_names_nobody_is_nobody() {
        for lines in [&[][..], &["10.0.0.1"], &["192.0.2.1, unknown"], &[""], &["192.0.2.1, é"]] {
            assert_eq!(caller_in(lines), None, "{lines:?}");
        }
    }
}
