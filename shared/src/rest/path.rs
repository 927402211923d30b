//! Makes the path of a URL from names.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Error;

/// All characters except letters, digits and `-_.~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same in a list of names, without the comma: the names themselves have none.
const RESERVED_IN_LISTS: &AsciiSet = &RESERVED.remove(b',');

/// Fills the parameters of a route's path, each percent-encoded. `groups` and `users` are lists:
/// their commas stay.
///
/// # Errors
///
/// [`Error::InvalidValue`] for a value of `.` or `..`. URL libraries and web servers read such a
/// segment as the parent folder, even as `%2E%2E`. The call would reach another path: a send to the
/// group `..` would become a broadcast.
pub(super) fn fill(
    template: &str,
    parameters: &[(&'static str, Cow<'_, str>)],
) -> Result<String, Error> {
    let mut path = String::with_capacity(template.len());
    for segment in template.split('/').skip(1) {
        path.push('/');
        let value = |name| parameters.iter().find(|(key, _)| *key == name);
        match parameter(segment).and_then(value).map(|(name, value)| (*name, value.as_ref())) {
            Some((name, ".." | ".")) => return Err(dots(name)),
            Some(("groups" | "users", list)) => {
                path.extend(utf8_percent_encode(list, RESERVED_IN_LISTS));
            }
            Some((_, value)) => path.extend(encode(value)),
            None => path.push_str(segment),
        }
    }
    Ok(path)
}

/// Percent-encodes a value for a segment of a path or for a query.
pub(super) fn encode(value: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(value, RESERVED)
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn dots(parameter: &str) -> Error {
    Error::InvalidValue {
        what: match parameter {
            "group" | "groups" => "group name",
            "user" | "users" => "user id",
            "streamId" => "stream id",
            _ => "connection id",
        },
        problem: "is '.' or '..', which no URL can carry".to_owned(),
        remedy: "use a name that is more than one or two dots",
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;
    use crate::rest::{ApiVersion, Operation};

    const GROUP: &str = "/api/hubs/{hub}/groups/{group}/:send";

    fn fill_with(template: &str, parameters: &[(&'static str, &str)]) -> Result<String, Error> {
        let parameters: Vec<_> =
            parameters.iter().map(|(name, value)| (*name, Cow::from(*value))).collect();
        fill(template, &parameters)
    }

    fn filled(group: &str) -> Result<String, Error> {
        fill_with(GROUP, &[("hub", "chat"), ("group", group)])
    }

    #[test]
    fn names_are_percent_encoded() {
        for (group, segment) in [
            ("a/b", "a%2Fb"),
            ("a b+c", "a%20b%2Bc"),
            ("é", "%C3%A9"),
            ("%2F", "%252F"),
            ("-_.~", "-_.~"),
            ("...", "..."),
            ("?#&=:;,'`[]\"<>\\", "%3F%23%26%3D%3A%3B%2C%27%60%5B%5D%22%3C%3E%5C"),
            ("\n\0", "%0A%00"),
        ] {
            let path = format!("/api/hubs/chat/groups/{segment}/:send");
            assert_eq!(filled(group).unwrap(), path, "{group}");
        }
    }

    #[test]
    fn dots_alone_are_refused() {
        for dots in [".", ".."] {
            let error = filled(dots).unwrap_err().to_string();
            assert!(error.starts_with("group name is '.' or '..'"), "{error}");
        }
    }

    #[test]
    fn lists_keep_their_commas() {
        let route = Operation::SendToUsers.route(ApiVersion::V1Preview).unwrap();
        let path = fill_with(route.path, &[("hub", "chat"), ("users", "a/b,c d")]).unwrap();
        assert_eq!(path, "/api/v1-preview/hub/chat/users/a%2Fb,c%20d");
    }

    #[test]
    fn every_parameter_of_every_route_is_known() {
        let names = ["hub", "group", "groups", "user", "users", "connectionId", "streamId"];
        let parameters = names.map(|name| (name, "x"));
        for operation in Operation::ALL {
            for route in operation.routes() {
                let path = fill_with(route.path, &parameters).unwrap();
                assert!(!path.contains('{'), "{path}");
            }
        }
    }

    fn name() -> impl Strategy<Value = String> {
        let odd =
            prop::sample::select(vec!['.', '/', '%', '2', 'E', 'e', 'F', '\\', '?', '#', ' ']);
        prop::collection::vec(prop_oneof![any::<char>(), odd], 1..=1024)
            .prop_map(|chars| chars.into_iter().collect::<String>())
            .prop_filter("dots alone are refused", |name| name != "." && name != "..")
    }

    proptest! {
        #[test]
        fn any_name_survives_the_way_into_a_url_and_back(group in name(), user in name()) {
            let route = Operation::UserInGroup.route(ApiVersion::V2024_12_01).unwrap();
            let parameters = [("hub", "chat"), ("group", group.as_str()), ("user", user.as_str())];
            let path = fill_with(route.path, &parameters).unwrap();

            let url = url::Url::parse(&format!("http://localhost{path}")).unwrap();
            prop_assert_eq!(url.path(), &path);

            let segments: Vec<_> = url
                .path()
                .split('/')
                .map(|segment| percent_decode_str(segment).decode_utf8().unwrap())
                .collect();
            let expected = ["", "api", "hubs", "chat", "users", &user, "groups", &group];
            prop_assert_eq!(segments, expected);
        }
    }
}
