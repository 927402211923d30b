//! Names that cannot hold a bad value: hubs, applications, groups, users, connections and streams.
//!
//! Each is parsed once, where it enters the program, by the patterns of the published data-plane
//! description. Code that holds a [`GroupName`] never checks it again.

use std::{fmt, str::FromStr, sync::Arc};

/// Why a value cannot be a name. The text says what was given and which characters are allowed.
///
/// ```
/// use signalr_serverless::HubName;
///
/// let error = HubName::parse("1st").unwrap_err();
/// assert!(error.to_string().starts_with("hub name '1st'"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} '{shown}' {problem}; {remedy}", shown = shorten(.value))]
pub struct NameError {
    kind: &'static str,
    value: String,
    problem: &'static str,
    remedy: &'static str,
}

/// The given value, shortened if it is too long for an error text.
fn shorten(value: &str) -> String {
    const SHOWN: usize = 64;
    match value.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &value[..cut]),
        None => value.to_owned(),
    }
}

const HUB_RULE: &str =
    "use 1 to 128 characters: first a letter A-Z or a-z, then letters, digits or _ ` , . [ ]";
const GROUP_RULE: &str = "use 1 to 1024 characters, not only white space";
const USER_RULE: &str = "use 1 to 1024 characters";
const CONNECTION_RULE: &str = "use the id that the service gave";
const STREAM_RULE: &str = "use 1 to 100 characters, not only white space";

/// Hubs and applications share one pattern: ``^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$``.
fn check_hub_pattern(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err("is empty");
    }
    if value.len() > 128 {
        return Err("is longer than 128 characters");
    }
    if !value.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err("does not begin with a letter");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_`,.[]".contains(c);
    if !value.chars().all(allowed) {
        return Err("has a character that hub names may not have");
    }
    Ok(())
}

fn check_length(value: &str) -> Result<(), &'static str> {
    check_not_empty(value)?;
    if value.chars().count() > 1024 {
        return Err("is longer than 1024 characters");
    }
    Ok(())
}

fn check_not_empty(value: &str) -> Result<(), &'static str> {
    if value.is_empty() { Err("is empty") } else { Ok(()) }
}

fn check_not_blank(value: &str) -> Result<(), &'static str> {
    if value.chars().all(char::is_whitespace) {
        return Err("is only white space");
    }
    Ok(())
}

fn check_group(value: &str) -> Result<(), &'static str> {
    check_length(value)?;
    check_not_blank(value)
}

fn check_stream(value: &str) -> Result<(), &'static str> {
    check_not_empty(value)?;
    if value.chars().count() > 100 {
        return Err("is longer than 100 characters");
    }
    check_not_blank(value)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:path, $rule:expr, $normal:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses the name.
            ///
            /// # Errors
            ///
            /// [`NameError`] says what came, what is wrong with it and what would be right.
            pub fn parse(value: &str) -> Result<Self, NameError> {
                match $check(value) {
                    Ok(()) => Ok(Self($normal(value).into())),
                    Err(problem) => Err(NameError {
                        kind: $kind,
                        value: value.to_owned(),
                        problem,
                        remedy: $rule,
                    }),
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(value: &str) -> Result<Self, NameError> {
                Self::parse(value)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&value).map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// A hub. Its clients get only messages that are sent to that hub.
    ///
    /// The case of hub names does not matter, so the name is kept in lower case.
    ///
    /// ```
    /// use signalr_serverless::HubName;
    ///
    /// assert_eq!(HubName::parse("Chat")?.as_str(), "chat");
    /// assert!(HubName::parse("9lives").is_err());
    /// # Ok::<(), signalr_serverless::NameError>(())
    /// ```
    HubName, "hub name", check_hub_pattern, HUB_RULE, str::to_ascii_lowercase
}

name! {
    /// An application: a prefix that keeps the hubs of several applications on one service apart.
    ///
    /// ```
    /// use signalr_serverless::{ApplicationName, HubName};
    ///
    /// let hub = HubName::parse("chat")?;
    /// assert_eq!(ApplicationName::parse("Shop")?.prefix(&hub)?.as_str(), "shop_chat");
    /// # Ok::<(), signalr_serverless::NameError>(())
    /// ```
    ApplicationName, "application name", check_hub_pattern, HUB_RULE, str::to_ascii_lowercase
}

name! {
    /// A group of connections; case matters.
    ///
    /// ```
    /// use signalr_serverless::GroupName;
    ///
    /// assert!(GroupName::parse("sala/1 é").is_ok());
    /// assert!(GroupName::parse("  ").is_err());
    /// ```
    GroupName, "group name", check_group, GROUP_RULE, str::to_owned
}

name! {
    /// A user, as the client's token names them. One user may have many connections. Case matters.
    ///
    /// ```
    /// use signalr_serverless::UserId;
    ///
    /// assert_eq!(UserId::parse("ann")?.as_str(), "ann");
    /// # Ok::<(), signalr_serverless::NameError>(())
    /// ```
    UserId, "user id", check_length, USER_RULE, str::to_owned
}

name! {
    /// One connection, by the id that the service gave it.
    ///
    /// ```
    /// use signalr_serverless::ConnectionId;
    ///
    /// assert!(ConnectionId::parse("").is_err());
    /// ```
    ConnectionId, "connection id", check_not_empty, CONNECTION_RULE, str::to_owned
}

name! {
    /// A stream to a client: the id that the client gave its stream invocation.
    ///
    /// ```
    /// use signalr_serverless::StreamId;
    ///
    /// assert!(StreamId::parse("1").is_ok());
    /// assert!(StreamId::parse(" ").is_err());
    /// ```
    StreamId, "stream id", check_stream, STREAM_RULE, str::to_owned
}

impl ApplicationName {
    /// The hub's full name on the service: `application_hub`.
    ///
    /// # Errors
    ///
    /// [`NameError`] if both names together are too long for a hub name.
    pub fn prefix(&self, hub: &HubName) -> Result<HubName, NameError> {
        HubName::parse(&format!("{self}_{hub}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_pattern_is_the_published_one() {
        let longest = format!("h{}", "9".repeat(127));
        for good in ["a", "Z", "a_`,.[]", "t[guid]resources", longest.as_str()] {
            assert!(HubName::parse(good).is_ok(), "{good}");
        }
        let too_long = format!("{longest}9");
        for bad in ["", "_a", "9", "a-b", "a b", "a/b", "é", "a\n", too_long.as_str()] {
            assert!(HubName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn group_counts_characters_not_bytes() {
        assert!(GroupName::parse(&"é".repeat(1024)).is_ok());
        assert!(GroupName::parse(&"é".repeat(1025)).is_err());
        assert!(GroupName::parse("\u{2003} \t").is_err());
        assert!(GroupName::parse(" a ").is_ok());
    }

    #[test]
    fn streams_have_1_to_100_characters() {
        for good in ["1", " 1 ", &"é".repeat(100)] {
            assert!(StreamId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "\u{2003} \t", &"é".repeat(101)] {
            assert!(StreamId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn errors_name_the_value_and_the_remedy() {
        let text = HubName::parse("a-b").unwrap_err().to_string();
        assert_eq!(
            text,
            "hub name 'a-b' has a character that hub names may not have; use 1 to 128 characters: \
             first a letter A-Z or a-z, then letters, digits or _ ` , . [ ]"
        );
    }

    #[test]
    fn errors_stay_short() {
        let text = UserId::parse(&"u".repeat(5000)).unwrap_err().to_string();
        assert!(text.len() < 200, "{text}");
    }
}
