//! Finds the hub and the function that the path of a URL names.

use percent_encoding::percent_decode_str;

/// The form of the paths of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mount {
    /// `/api/negotiate` and `/api/{hub}/negotiate`; also `/negotiate`, except on Azure, which uses
    /// such paths for envelopes.
    Api,
    /// `…/negotiate` and `…/{hub}/negotiate`: API gateways and load balancers put any prefix in
    /// front. A segment `api` directly before the function or the hub is never read as a hub.
    Suffix,
}

/// The function and the hub that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Root,
    Function {
        /// The hub's segment, still percent-encoded.
        hub: Option<&'a str>,
        name: &'a str,
    },
}

impl Mount {
    /// Finds what a path names. `None` if it cannot name anything.
    pub(crate) fn locate(self, path: &str) -> Option<Place<'_>> {
        let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        if segments == [""] {
            return Some(Place::Root);
        }
        if segments.iter().any(|segment| segment.is_empty() || is_step(segment)) {
            return None;
        }
        let (hub, name) = match (self, segments.as_slice()) {
            (Self::Api, ["api", name] | [name]) => (None, *name),
            (Self::Api, ["api", hub, name]) => (Some(*hub), *name),
            (Self::Api, _) | (Self::Suffix, []) => return None,
            (Self::Suffix, [.., "api", hub @ "api", name]) => (Some(*hub), *name),
            (Self::Suffix, [.., "api", name] | [name]) => (None, *name),
            (Self::Suffix, [.., hub, name]) => (Some(*hub), *name),
        };
        Some(Place::Function { hub, name })
    }
}

/// The caller's path without the platform's prefix, if the request has another path. It is a
/// request extension, so no caller can send it.
#[cfg(feature = "lambda")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnPath(pub(crate) String);

/// Whether a segment is `.` or `..`, encoded or not. Other software reads these as folders.
fn is_step(segment: &str) -> bool {
    const LONGEST: usize = "%2e%2e".len();

    segment.len() <= LONGEST
        && matches!(&*percent_decode_str(segment).collect::<Vec<_>>(), b"." | b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function<'a>(hub: Option<&'a str>, name: &'a str) -> Option<Place<'a>> {
        Some(Place::Function { hub, name })
    }

    #[test]
    fn under_api_the_hub_may_stand_in_front() {
        for (path, place) in [
            ("/", Some(Place::Root)),
            ("/api/negotiate", function(None, "negotiate")),
            ("/negotiate", function(None, "negotiate")),
            ("/api/chat/negotiate", function(Some("chat"), "negotiate")),
            ("/api/api/negotiate", function(Some("api"), "negotiate")),
            ("/api/ch%61t/negotiate", function(Some("ch%61t"), "negotiate")),
            ("/chat/negotiate", None),
            ("/prod/api/negotiate", None),
            ("/api//negotiate", None),
            ("//api/negotiate", None),
            ("/api/negotiate/", None),
            ("//", None),
            ("/api/a/b/negotiate", None),
            ("/api/../negotiate", None),
            ("/api/%2E./negotiate", None),
            ("/api/.../negotiate", function(Some("..."), "negotiate")),
        ] {
            assert_eq!(Mount::Api.locate(path), place, "{path}");
        }
    }

    #[test]
    fn as_a_suffix_anything_may_stand_in_front() {
        for (path, place) in [
            ("/", Some(Place::Root)),
            ("", Some(Place::Root)),
            ("/negotiate", function(None, "negotiate")),
            ("/api/negotiate", function(None, "negotiate")),
            ("/prod/api/negotiate", function(None, "negotiate")),
            ("/chat/negotiate", function(Some("chat"), "negotiate")),
            ("/prod/api/chat/negotiate", function(Some("chat"), "negotiate")),
            ("/api/api/negotiate", function(Some("api"), "negotiate")),
            ("/prod//negotiate", None),
            ("/negotiate/", None),
            ("/x/../api/chat/negotiate", None),
            ("/%2e%2e/api/negotiate", None),
        ] {
            assert_eq!(Mount::Suffix.locate(path), place, "{path}");
        }
    }
}
