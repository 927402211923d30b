//! The paths of requests: their fixed parts may come in any case, with a `/` at the end, and with
//! the prefix of a gateway in front. Names inside paths keep theirs.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use http::{HeaderName, HeaderValue, Request, Uri, uri::PathAndQuery};
use percent_encoding::percent_decode_str;
use signalr_serverless::rest::Operation;

use crate::host_name::HostName;

/// The prefix that a gateway, or this service in its place, took away.
pub(crate) const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// How paths of the service are written. Clones are one and the same.
#[derive(Clone, Debug)]
pub(crate) struct RequestPaths(Arc<Spelling>);

#[derive(Debug)]
struct Spelling {
    prefixes: Vec<String>,
    /// The fixed segments, by their form in lower case.
    fixed: HashMap<String, Fixed>,
}

/// A segment that is part of routes as it is.
#[derive(Debug)]
struct Fixed {
    written: &'static str,
    /// Whether a name comes behind it.
    is_before_name: bool,
    /// The fixed segments that come behind it where a name may come too.
    beside_name: Vec<&'static str>,
}

impl RequestPaths {
    pub(crate) fn new(names: &[HostName]) -> Self {
        let mut fixed: HashSet<&'static str> = HashSet::from([
            "client",
            "negotiate",
            "refresh",
            "server",
            "openapi.json",
            "live",
            "ready",
        ]);
        let (mut before_names, mut pairs) = (HashSet::new(), HashSet::new());
        for route in Operation::ALL.iter().flat_map(|operation| operation.routes()) {
            let mut previous = "";
            for segment in route.path.split('/') {
                if segment.starts_with('{') {
                    before_names.insert(previous);
                } else {
                    fixed.insert(segment);
                    pairs.insert((previous, segment));
                }
                previous = segment;
            }
        }
        let fixed = fixed.into_iter().map(|written| {
            let behind = pairs.iter().filter(|(previous, _)| *previous == written);
            let is_before_name = before_names.contains(written);
            let beside_name = behind.filter(|_| is_before_name).map(|(_, segment)| *segment);
            let beside_name = beside_name.collect();
            (written.to_ascii_lowercase(), Fixed { written, is_before_name, beside_name })
        });
        let mut prefixes: Vec<String> = names.iter().map(|name| name.prefix().to_owned()).collect();
        prefixes.retain(|prefix| !prefix.is_empty());
        // Of two prefixes that fit, the longer one is meant.
        prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
        Self(Arc::new(Spelling { prefixes, fixed: fixed.collect() }))
    }

    /// The path as the service's routes write it.
    pub(crate) fn canonical<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let path = path.get(self.prefix_len(path)..).unwrap_or(path);
        let path = match path.strip_suffix('/') {
            Some(rest) if !rest.is_empty() && rest != "/client" => rest,
            _ => path,
        };
        // Nearly all paths come as they are written, and need no copy.
        if self.segments(path).eq(path.split('/')) {
            return path.into();
        }
        let segments: Vec<&str> = self.segments(path).collect();
        segments.join("/").into()
    }

    /// Changes a request's path to how the routes write it.
    pub(crate) fn rewrite<B>(&self, mut request: Request<B>) -> Request<B> {
        let uri = request.uri();
        let path = uri.path();
        let canonical = self.canonical(path);
        if *canonical == *path {
            return request;
        }
        let prefix = HeaderValue::from_str(&path[..self.prefix_len(path)]).ok();
        let rewritten = match uri.query() {
            Some(query) => PathAndQuery::try_from(format!("{canonical}?{query}")),
            None => PathAndQuery::try_from(canonical.into_owned()),
        };
        let mut parts = uri.clone().into_parts();
        // A part of a good path is one too.
        let Ok(rewritten) = rewritten else { return request };
        parts.path_and_query = Some(rewritten);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
            if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
                request.headers_mut().insert(FORWARDED_PREFIX, prefix);
            }
        }
        request
    }

    /// How many bytes of a path are a known prefix.
    fn prefix_len(&self, path: &str) -> usize {
        let is_in_front = |prefix: &&String| {
            let (len, bytes) = (prefix.len(), path.as_bytes());
            bytes.get(..len).is_some_and(|it| it.eq_ignore_ascii_case(prefix.as_bytes()))
                && bytes.get(len) == Some(&b'/')
        };
        self.0.prefixes.iter().find(is_in_front).map_or(0, String::len)
    }

    fn segments<'a>(&self, path: &'a str) -> impl Iterator<Item = &'a str> {
        let mut previous: Option<&Fixed> = None;
        path.split('/').map(move |segment| {
            let before = previous.take().filter(|before| before.is_before_name);
            let fixed = self.0.fixed.get(&*folded(segment)).filter(|fixed| {
                before.is_none_or(|before| before.beside_name.contains(&fixed.written))
            });
            previous = fixed;
            fixed.map_or(segment, |fixed| fixed.written)
        })
    }
}

/// A segment decoded and in lower case.
fn folded(segment: &str) -> Cow<'_, str> {
    if segment.bytes().any(|byte| byte == b'%' || byte.is_ascii_uppercase()) {
        percent_decode_str(segment).decode_utf8_lossy().to_ascii_lowercase().into()
    } else {
        segment.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(path: &str) -> String {
        let names = ["gw/realtime", "gw/realtime/v2"].map(|name| name.parse().unwrap());
        RequestPaths::new(&names).canonical(path).into_owned()
    }

    #[test]
    fn fixed_parts_come_in_any_case_and_names_keep_theirs() {
        for (path, expected) in [
            ("/API/Hubs/Chat/:SEND", "/api/hubs/Chat/:send"),
            ("/api/hubs/Groups/GROUPS/Users/%3aSend", "/api/hubs/Groups/groups/Users/:send"),
            ("/API/V1/HUBS/chat/Users/API/", "/api/v1/hubs/chat/users/API"),
            ("/Api/V1-Preview/Hub/Hub/User/User", "/api/v1-preview/hub/Hub/user/User"),
            ("/api/auth/ACCESSKEY", "/api/auth/accessKey"),
            ("/Client/Negotiate/", "/client/negotiate"),
            ("/CLIENT/", "/client"),
            ("/CLIENT", "/client"),
            ("/client//", "/client/"),
            ("/realtime/client/", "/client/"),
            ("/Server/", "/server"),
            ("/RealTime/API/health", "/api/health"),
            ("/realtime/v2/client/negotiate", "/client/negotiate"),
            ("/realtimes/client/", "/realtimes/client"),
            ("/realtime", "/realtime"),
            ("/", "/"),
            ("//", "/"),
            ("/api/hubs/chat/users/:SEND/:Send", "/api/hubs/chat/users/:SEND/:send"),
            ("/api/hubs/chat/groups/a%2FB/:send", "/api/hubs/chat/groups/a%2FB/:send"),
        ] {
            assert_eq!(canonical(path), expected, "{path}");
        }
    }

    #[test]
    fn the_routes_themselves_stay_as_they_are() {
        for route in Operation::ALL.iter().flat_map(|operation| operation.routes()) {
            assert_eq!(canonical(route.path), route.path);
        }
    }

    #[test]
    fn a_request_keeps_its_query_and_says_what_was_in_front() {
        let request = Request::get("/realtime/API/hubs/Chat?Api-Version=1&x=/A/").body(()).unwrap();
        let request = RequestPaths::new(&["gw/realtime".parse().unwrap()]).rewrite(request);
        assert_eq!(request.uri(), "/api/hubs/Chat?Api-Version=1&x=/A/");
        assert_eq!(request.headers()[FORWARDED_PREFIX], "/realtime");
    }
}
