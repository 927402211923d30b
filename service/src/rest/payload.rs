//! The JSON objects in bodies. Microsoft's SDK writes their names with capital letters, so case
//! does not matter. Unknown fields are ignored.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// `{"target": …, "arguments": […]}`
#[derive(Debug)]
pub(super) struct PayloadMessage {
    pub(super) target: String,
    /// The unchanged JSON array.
    pub(super) arguments: Box<RawValue>,
}

/// `{"type": …}` with the fields of that type. Source: `SignalRCommand` of the 2024-12-01
/// description.
#[derive(Debug)]
pub(super) enum SignalRCommand {
    SendMessage(PayloadMessage),
    JoinGroup { group: String },
    LeaveGroup { group: String },
    CloseConnection { reason: Option<String> },
}

impl<'de> Deserialize<'de> for PayloadMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [target, arguments] = deserializer.deserialize_map(Fields(["target", "arguments"]))?;
        let target: String = required("target", target)?;
        if target.is_empty() {
            return Err(de::Error::custom("'target' is empty; name the client's method"));
        }
        Ok(Self { target, arguments: array(arguments)? })
    }
}

impl<'de> Deserialize<'de> for SignalRCommand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [kind, message, group, reason] =
            deserializer.deserialize_map(Fields(["type", "message", "group", "reason"]))?;
        let kind: String = required("type", kind)?;
        match kind.to_ascii_lowercase().as_str() {
            "sendmessage" => Ok(Self::SendMessage(required("message", message)?)),
            "joingroup" => Ok(Self::JoinGroup { group: required("group", group)? }),
            "leavegroup" => Ok(Self::LeaveGroup { group: required("group", group)? }),
            "closeconnection" => Ok(Self::CloseConnection {
                reason: reason.map_or(Ok(None), |reason| field("reason", &reason))?,
            }),
            _ => Err(de::Error::custom(format!(
                "type '{kind}' is not known; use SendMessage, JoinGroup, LeaveGroup or CloseConnection"
            ))),
        }
    }
}

fn required<T: de::DeserializeOwned, E: de::Error>(
    name: &'static str,
    value: Option<Box<RawValue>>,
) -> Result<T, E> {
    field(name, &value.ok_or_else(|| E::missing_field(name))?)
}

fn field<T: de::DeserializeOwned, E: de::Error>(
    name: &'static str,
    value: &RawValue,
) -> Result<T, E> {
    serde_json::from_str(value.get()).map_err(|error| E::custom(format!("'{name}': {error}")))
}

/// Missing arguments and `null` become an empty array.
fn array<E: de::Error>(arguments: Option<Box<RawValue>>) -> Result<Box<RawValue>, E> {
    match arguments {
        Some(arguments) if arguments.get().starts_with('[') => Ok(arguments),
        Some(arguments) if arguments.get() != "null" => {
            Err(E::custom("'arguments' is not an array; put even a single argument into [ ]"))
        }
        _ => RawValue::from_string("[]".to_owned()).map_err(E::custom),
    }
}

/// The values of the named fields, each at most once.
struct Fields<const N: usize>([&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Fields<N> {
    type Value = [Option<Box<RawValue>>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with '{}'", self.0.join("', '"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [const { None }; N];
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let Some(index) = self.0.iter().position(|one| name.eq_ignore_ascii_case(one)) else {
                map.next_value::<de::IgnoredAny>()?;
                continue;
            };
            if values[index].replace(map.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(self.0[index]));
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<(String, String), String> {
        let parsed = serde_json::from_str::<PayloadMessage>(json);
        parsed
            .map(|message| (message.target, message.arguments.get().to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_taken_in_any_case() {
        let expected = Ok(("m".to_owned(), "[1, 2.0]".to_owned()));
        assert_eq!(parse(r#"{"Target":"m","Arguments":[1, 2.0]}"#), expected);
        assert_eq!(parse(r#"{"x":{"target":1},"arguments": [1, 2.0] ,"target":"m"}"#), expected);
        let command = serde_json::from_str(r#"{"Type":"joinGroup","GROUP":"g","message":1}"#);
        assert!(matches!(command, Ok(SignalRCommand::JoinGroup { group }) if group == "g"));
    }

    #[test]
    fn no_arguments_are_none() {
        let expected = Ok(("m".to_owned(), "[]".to_owned()));
        assert_eq!(parse(r#"{"target":"m"}"#), expected);
        assert_eq!(parse(r#"{"target":"m","arguments":null}"#), expected);
    }

    #[test]
    fn what_is_no_message_is_named() {
        for (json, text) in [
            ("", "EOF"),
            ("[]", "an object with 'target', 'arguments'"),
            (r#"{"arguments":[]}"#, "missing field `target`"),
            (r#"{"target":""}"#, "'target' is empty"),
            (r#"{"target":1}"#, "'target': invalid type: integer `1`, expected a string"),
            (r#"{"target":"m","arguments":{}}"#, "'arguments' is not an array"),
            (r#"{"target":"m","arguments":"[]"}"#, "'arguments' is not an array"),
            (r#"{"target":"m","Target":"n"}"#, "duplicate field `target`"),
            (r#"{"target":"m"}x"#, "trailing characters"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(text), "{json}: '{error}' does not say '{text}'");
        }
    }

    #[test]
    fn what_is_no_command_is_named() {
        for (json, text) in [
            ("{}", "missing field `type`"),
            (r#"{"type":"x"}"#, "type 'x' is not known"),
            (r#"{"type":"JoinGroup"}"#, "missing field `group`"),
            (r#"{"type":"SendMessage","message":{}}"#, "'message': missing field `target`"),
            (r#"{"type":"CloseConnection","reason":1}"#, "'reason': invalid type"),
        ] {
            let error = serde_json::from_str::<SignalRCommand>(json).unwrap_err().to_string();
            assert!(error.contains(text), "{json}: '{error}' does not say '{text}'");
        }
    }
}
