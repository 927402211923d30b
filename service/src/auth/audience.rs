//! What a token may be used for: the URLs that its audience may name.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use signalr_serverless::HubName;

use crate::query::Query;

/// The audience of a client's token: the URL that it was told to connect to.
pub(super) fn of_client(hosts: &[&str], hub: &HubName) -> String {
    let host = hosts.first().copied().unwrap_or("the service");
    format!("http(s)://{host}/client/?hub={hub}")
}

/// Which hosts and ports an audience may name. What it names behind them is always compared, so a
/// client's token never calls REST, and a REST token never connects.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hosts<'a> {
    /// Those under which the caller reached the service.
    Named(&'a [&'a str]),
    /// Any, for a lenient service.
    Any,
}

/// Whether a client that came with this audience was told to connect to this hub.
pub(super) fn is_for_client(audience: &str, hosts: Hosts<'_>, hub: &HubName) -> bool {
    let Some(url) = Url::split(audience) else { return false };
    let named = Query::parse(url.query);
    let is_hub = named.first("hub").is_some_and(|named| named.eq_ignore_ascii_case(hub.as_str()));
    url.is_at(hosts) && url.path.trim_end_matches('/') == "/client" && is_hub
}

/// A REST call, as the audience of its token names it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) hosts: Vec<&'a str>,
    /// As it came, percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a Query,
}

impl Call<'_> {
    /// The audience that the call should come with.
    pub(super) fn audience(&self) -> String {
        let host = self.hosts.first().copied().unwrap_or("the service");
        format!("http(s)://{host}{}", self.path)
    }

    /// Whether an audience means this call: its URL without the query. Microsoft's SDK drops the
    /// port, and signs parts of the query with it.
    pub(super) fn is_meant_by(&self, audience: &str, hosts: Hosts<'_>) -> bool {
        let Some(url) = Url::split(audience) else { return false };
        url.is_at(hosts)
            && segments(url.path).eq(segments(self.path))
            && self.query.contains(&Query::parse(url.query))
    }
}

/// The decoded segments of a path, without a `/` at its end.
fn segments(path: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
    path.trim_end_matches('/').split('/').map(|segment| percent_decode_str(segment).into())
}

/// An audience taken apart, nothing in it decoded.
struct Url<'a> {
    authority: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Url<'a> {
    fn split(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some(Self { authority, path, query })
    }

    /// Whether the URL is at one of the hosts. Microsoft's SDK leaves out the URL's port, and
    /// some clients that of their `Host` header.
    fn is_at(&self, hosts: Hosts<'_>) -> bool {
        let Hosts::Named(hosts) = hosts else { return true };
        let (name, port) = split_port(self.authority);
        hosts.iter().any(|host| {
            let (host, host_port) = split_port(host);
            let is_port = match (port, host_port) {
                (Some(port), Some(host_port)) => port == host_port,
                (None, _) | (_, None) => true,
            };
            is_port && host.eq_ignore_ascii_case(name)
        })
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The last colon of a bare IPv6 address is no port's.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_come_with_or_without_the_port() {
        let hub = HubName::parse("chat").unwrap();
        let hosts = ["localhost:8888"];
        for good in [
            "http://localhost:8888/client/?hub=chat",
            "http://localhost/client/?hub=chat",
            "https://LOCALHOST/client?hub=Chat",
        ] {
            assert!(is_for_client(good, Hosts::Named(&hosts), &hub), "{good}");
            assert!(is_for_client(good, Hosts::Named(&["localhost"]), &hub), "{good}");
        }
        for bad in [
            "",
            "chat",
            "ftp://localhost/client/?hub=chat",
            "http://localhost:9999/client/?hub=chat",
            "http://elsewhere/client/?hub=chat",
            "http://localhost/client/?hub=other",
            "http://localhost/client/",
            "http://localhost/api/v1/hubs/chat",
        ] {
            assert!(!is_for_client(bad, Hosts::Named(&hosts), &hub), "{bad}");
        }
    }

    #[test]
    fn a_call_is_meant_by_its_url_and_by_microsofts_variants() {
        let query = Query::parse(Some("api-version=2022-06-01&excluded=a"));
        let path = "/api/hubs/chat/groups/a%2fb/:send";
        let call = Call { hosts: vec!["[::1]:8888"], path, query: &query };
        for good in [
            "http://[::1]:8888/api/hubs/chat/groups/a%2Fb/:send",
            "http://[::1]/api/hubs/chat/groups/a%2Fb/%3Asend/",
            "https://[::1]/api/hubs/chat/groups/a%2fb/:send?api-version=2022-06-01",
        ] {
            assert!(call.is_meant_by(good, Hosts::Named(&call.hosts)), "{good}");
        }
        for bad in [
            "http://[::1]/api/hubs/chat/groups/a/b/:send",
            "http://[::1]/api/hubs/chat/groups/a%2Fb/:send?api-version=2024-12-01",
            "http://[::1]/api/hubs/chat/:send",
            "http://[::1]/client/?hub=chat",
        ] {
            assert!(!call.is_meant_by(bad, Hosts::Named(&call.hosts)), "{bad}");
        }
    }

    #[test]
    fn any_host_leaves_the_path_and_the_hub() {
        let (query, hub) = (Query::default(), HubName::parse("chat").unwrap());
        let call = Call { hosts: vec!["localhost"], path: "/api/v1/hubs/chat", query: &query };
        for (audience, is_client, is_call) in [
            ("https://elsewhere:1/client/?hub=chat", true, false),
            ("https://elsewhere:1/client/?hub=other", false, false),
            ("https://elsewhere:1/api/v1/hubs/chat", false, true),
            ("https://elsewhere:1/api/v1/hubs/other", false, false),
            ("https://elsewhere:1", false, false),
            ("anything", false, false),
        ] {
            assert_eq!(is_for_client(audience, Hosts::Any, &hub), is_client, "{audience}");
            assert_eq!(call.is_meant_by(audience, Hosts::Any), is_call, "{audience}");
        }
    }
}
