//! The audiences of tokens: the URLs for which a token may be used.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use signalr_serverless::HubName;

use crate::{host_name::HostName, query::Query, request_path::RequestPaths};

/// The audience of a client's token: the URL for its connection.
pub(super) fn of_client(hosts: &[&str], hub: &HubName) -> String {
    let host = hosts.first().copied().unwrap_or("the service");
    format!("http(s)://{host}/client/?hub={hub}")
}

/// The hosts that an audience may name, and the form of paths. The part after the host is always
/// compared. So a client's token never calls REST, and a REST token never connects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) hosts: Hosts<'a>,
    pub(super) paths: &'a RequestPaths,
}

/// The hosts and ports that an audience may name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hosts<'a> {
    /// The hosts by which the caller reached the service, and the service's further names.
    Named { reached: &'a [&'a str], further: &'a [HostName] },
    /// Any host, for a lenient service.
    Any,
}

/// Whether an audience fits the use of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Right,
    /// Everything fits except the host, which is not a name of this service.
    OtherHost,
    Wrong,
}

impl Fit {
    fn of(is_at: bool, is_meant: bool) -> Self {
        match (is_at, is_meant) {
            (true, true) => Self::Right,
            (false, true) => Self::OtherHost,
            (_, false) => Self::Wrong,
        }
    }
}

/// Whether a client's audience is this hub.
pub(super) fn for_client(audience: &str, place: Place<'_>, hub: &HubName) -> Fit {
    let Some(url) = Url::split(audience) else { return Fit::Wrong };
    let named = Query::parse(url.query);
    let is_hub = named.first("hub").is_some_and(|named| named.eq_ignore_ascii_case(hub.as_str()));
    let path = place.paths.canonical(url.path);
    Fit::of(url.is_at(place.hosts), path.trim_end_matches('/') == "/client" && is_hub)
}

/// A REST call, in the form for audiences.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) hosts: Vec<&'a str>,
    /// The path in the form of the routes, percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a Query,
}

impl Call<'_> {
    /// The audience that the call's token should have.
    pub(super) fn audience(&self) -> String {
        let host = self.hosts.first().copied().unwrap_or("the service");
        format!("http(s)://{host}{}", self.path)
    }

    /// Whether an audience means this call: its URL without the query. Microsoft's SDK drops the
    /// port, and signs parts of the query with it.
    pub(super) fn fit(&self, audience: &str, place: Place<'_>) -> Fit {
        let Some(url) = Url::split(audience) else { return Fit::Wrong };
        // Nearly all audiences have the path as it is here.
        let is_path = || segments(&place.paths.canonical(url.path)).eq(segments(self.path));
        let is_meant =
            (url.path == self.path || is_path()) && self.query.contains(&Query::parse(url.query));
        Fit::of(url.is_at(place.hosts), is_meant)
    }
}

/// The host that an audience names, for the advice in an error.
pub(super) fn host(audience: &str) -> Option<&str> {
    Url::split(audience).map(|url| url.authority)
}

/// The decoded segments of a path, without a `/` at its end.
fn segments(path: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
    path.trim_end_matches('/').split('/').map(|segment| percent_decode_str(segment).into())
}

/// The parts of an audience. Nothing is decoded.
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

    /// Whether the URL is at one of the hosts. Microsoft's SDK leaves out the URL's port, and some
    /// clients leave out the port of their `Host` header.
    fn is_at(&self, hosts: Hosts<'_>) -> bool {
        let Hosts::Named { reached, further } = hosts else { return true };
        let (name, port) = split_port(self.authority);
        let further = further.iter().map(HostName::host);
        reached.iter().copied().chain(further).any(|host| {
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
        // In a bare IPv6 address the last colon does not begin a port.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service with these further names.
    struct Known(Vec<HostName>, RequestPaths);

    impl Known {
        fn new(names: &[&str]) -> Self {
            let names: Vec<HostName> = names.iter().map(|name| name.parse().unwrap()).collect();
            let paths = RequestPaths::new(&names);
            Self(names, paths)
        }

        fn place<'a>(&'a self, reached: &'a [&'a str]) -> Place<'a> {
            Place { hosts: Hosts::Named { reached, further: &self.0 }, paths: &self.1 }
        }

        fn any(&self) -> Place<'_> {
            Place { hosts: Hosts::Any, paths: &self.1 }
        }
    }

    #[test]
    fn a_client_may_come_with_or_without_the_port() {
        let hub = HubName::parse("chat").unwrap();
        let known = Known::new(&[]);
        for good in [
            "http://localhost:8888/client/?hub=chat",
            "http://localhost/client/?hub=chat",
            "https://LOCALHOST/Client?hub=Chat",
        ] {
            for reached in ["localhost:8888", "localhost"] {
                assert_eq!(for_client(good, known.place(&[reached]), &hub), Fit::Right, "{good}");
            }
        }
        for (bad, fit) in [
            ("", Fit::Wrong),
            ("chat", Fit::Wrong),
            ("ftp://localhost/client/?hub=chat", Fit::Wrong),
            ("http://localhost:9999/client/?hub=chat", Fit::OtherHost),
            ("http://elsewhere/client/?hub=chat", Fit::OtherHost),
            ("http://localhost/client/?hub=other", Fit::Wrong),
            ("http://localhost/client/", Fit::Wrong),
            ("http://localhost/api/v1/hubs/chat", Fit::Wrong),
        ] {
            assert_eq!(for_client(bad, known.place(&["localhost:8888"]), &hub), fit, "{bad}");
        }
    }

    #[test]
    fn further_names_and_prefixes_are_the_services_own() {
        let hub = HubName::parse("chat").unwrap();
        let known = Known::new(&["gw.example/realtime", "x.service.signalr.net"]);
        let place = known.place(&["127.0.0.1:8888"]);
        for good in [
            "https://gw.example/client/?hub=chat",
            "https://gw.example/realtime/client/?hub=chat",
            "https://gw.example:444/realtime/client/?hub=chat",
            "https://X.service.signalr.net/client/?hub=chat",
            "http://127.0.0.1:8888/realtime/client/?hub=chat",
        ] {
            assert_eq!(for_client(good, place, &hub), Fit::Right, "{good}");
        }
        let other = "https://gw.example/elsewhere/client/?hub=chat";
        assert_eq!(for_client(other, place, &hub), Fit::Wrong);
        let query = Query::default();
        let call = Call { hosts: vec!["127.0.0.1:8888"], path: "/api/v1/hubs/chat", query: &query };
        for good in
            ["https://gw.example/realtime/api/v1/hubs/chat", "https://gw.example/API/v1/hubs/chat"]
        {
            assert_eq!(call.fit(good, place), Fit::Right, "{good}");
        }
    }

    #[test]
    fn a_call_is_meant_by_its_url_and_by_microsofts_variants() {
        let query = Query::parse(Some("api-version=2022-06-01&excluded=a"));
        let path = "/api/hubs/chat/groups/a%2fb/:send";
        let call = Call { hosts: vec!["[::1]:8888"], path, query: &query };
        let known = Known::new(&[]);
        for good in [
            "http://[::1]:8888/api/hubs/chat/groups/a%2Fb/:send",
            "http://[::1]/api/hubs/chat/groups/a%2Fb/%3Asend/",
            "https://[::1]/api/hubs/chat/groups/a%2fb/:send?api-version=2022-06-01",
        ] {
            assert_eq!(call.fit(good, known.place(&call.hosts)), Fit::Right, "{good}");
        }
        for bad in [
            "http://[::1]/api/hubs/chat/groups/a/b/:send",
            "http://[::1]/api/hubs/chat/groups/a%2Fb/:send?api-version=2024-12-01",
            "http://[::1]/api/hubs/chat/:send",
            "http://[::1]/client/?hub=chat",
        ] {
            assert_eq!(call.fit(bad, known.place(&call.hosts)), Fit::Wrong, "{bad}");
        }
    }

    #[test]
    fn any_host_leaves_the_path_and_the_hub() {
        let (query, hub) = (Query::default(), HubName::parse("chat").unwrap());
        let call = Call { hosts: vec!["localhost"], path: "/api/v1/hubs/chat", query: &query };
        let known = Known::new(&[]);
        let fit = |is_right| if is_right { Fit::Right } else { Fit::Wrong };
        for (audience, is_client, is_call) in [
            ("https://elsewhere:1/client/?hub=chat", true, false),
            ("https://elsewhere:1/client/?hub=other", false, false),
            ("https://elsewhere:1/api/v1/hubs/chat", false, true),
            ("https://elsewhere:1/api/v1/hubs/other", false, false),
            ("https://elsewhere:1", false, false),
            ("anything", false, false),
        ] {
            assert_eq!(for_client(audience, known.any(), &hub), fit(is_client), "{audience}");
            assert_eq!(call.fit(audience, known.any()), fit(is_call), "{audience}");
        }
    }
}
