//! The bodies of sends.

use std::{borrow::Cow, fmt, sync::Arc};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{call::Call, error::Error};
use crate::hub::message::Message;

/// The largest body, in bytes. Source: the limits of Azure's REST API.
const MAX_BODY: usize = 1024 * 1024;

/// Reads a body, no further than it may go.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Error> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(Error::body_too_large(MAX_BODY));
    }
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::body_too_large(MAX_BODY)),
        Err(error) => Err(Error::bad("body", format!("the body broke off: {error}"))),
    }
}

/// The message in the body of a send.
pub(super) fn message(call: &Call) -> Result<Arc<Message>, Error> {
    let content_type = call.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map_or("", |value| value.to_str().unwrap_or("?"));
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Error::unsupported_media_type(content_type));
    }
    let PayloadMessage { target, arguments } = serde_json::from_slice(&call.body)
        .map_err(|error| Error::bad("body", format!("the body is not a message: {error}")))?;
    Ok(Arc::new(Message::new(target, arguments)))
}

/// `{"target": …, "arguments": […]}`. Microsoft's SDK writes the names with capital letters, so
/// case does not count. Unknown fields are passed over.
struct PayloadMessage {
    target: String,
    arguments: Box<RawValue>,
}

impl<'de> Deserialize<'de> for PayloadMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PayloadVisitor)
    }
}

struct PayloadVisitor;

impl<'de> Visitor<'de> for PayloadVisitor {
    type Value = PayloadMessage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with 'target' and 'arguments'")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PayloadMessage, A::Error> {
        let mut target: Option<String> = None;
        let mut arguments: Option<Box<RawValue>> = None;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name.eq_ignore_ascii_case("target") {
                once(&target, "target")?;
                target = Some(map.next_value()?);
            } else if name.eq_ignore_ascii_case("arguments") {
                once(&arguments, "arguments")?;
                arguments = Some(map.next_value()?);
            } else {
                map.next_value::<de::IgnoredAny>()?;
            }
        }
        let target = target.ok_or_else(|| de::Error::missing_field("target"))?;
        if target.is_empty() {
            return Err(de::Error::custom("'target' is empty; name the client's method"));
        }
        Ok(PayloadMessage { target, arguments: array(arguments)? })
    }
}

fn once<T, E: de::Error>(field: &Option<T>, name: &'static str) -> Result<(), E> {
    if field.is_some() { Err(E::duplicate_field(name)) } else { Ok(()) }
}

/// No arguments and `null` are an empty array.
fn array<E: de::Error>(arguments: Option<Box<RawValue>>) -> Result<Box<RawValue>, E> {
    match arguments {
        Some(arguments) if arguments.get().starts_with('[') => Ok(arguments),
        Some(arguments) if arguments.get() != "null" => {
            Err(E::custom("'arguments' is not an array; put even a single argument into [ ]"))
        }
        _ => RawValue::from_string("[]".to_owned()).map_err(E::custom),
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
            ("[]", "an object with 'target'"),
            (r#"{"arguments":[]}"#, "missing field `target`"),
            (r#"{"target":""}"#, "'target' is empty"),
            (r#"{"target":1}"#, "expected a string"),
            (r#"{"target":"m","arguments":{}}"#, "'arguments' is not an array"),
            (r#"{"target":"m","arguments":"[]"}"#, "'arguments' is not an array"),
            (r#"{"target":"m","Target":"n"}"#, "duplicate field `target`"),
            (r#"{"target":"m"}x"#, "trailing characters"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(text), "{json}: '{error}' does not say '{text}'");
        }
    }
}
