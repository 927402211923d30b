//! From the path of a URL to the hub and the function that it names.

use percent_encoding::percent_decode_str;

/// What the paths of calls look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mount {
    /// `/api/negotiate` and `/api/{hub}/negotiate`; `/negotiate` too, except on Azure:
    /// there such a path is for envelopes.
    Api,
    /// `…/negotiate` and `…/{hub}/negotiate`: API gateways and load balancers put what they like in
    /// front. `api` in front of the function's name or of the hub's is never taken for a hub.
    Suffix,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Root,
    Function {
        /// Still percent-encoded.
        hub: Option<&'a str>,
        name: &'a str,
    },
}

impl Mount {
    /// What a path names, or `None` for one that can name nothing.
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

/// The path as the caller sent it, if the request has another: without what stands in front of the
/// API's own. It is an extension: nobody can send it.
#[cfg(feature = "lambda")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnPath(pub(crate) String);

/// `.` and `..`, which others take for steps through a path, encoded or not.
fn is_step(segment: &str) -> bool {
    matches!(&*percent_decode_str(segment).collect::<Vec<_>>(), b"." | b"..")
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
