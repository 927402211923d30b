//! The two encodings of events and completions.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use rmpv::Value;
use serde::Serialize;
use serde_json::value::to_raw_value;
use signalr_function_runtime::Problem;

/// What the client speaks, and with it the request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    MessagePack,
}

/// Ends a message in JSON.
const RECORD_SEPARATOR: u8 = 0x1e;

/// The type of a completion.
const COMPLETION: u8 = 3;

/// A value that has no form in the encoding.
#[derive(Debug)]
pub(crate) struct Unserializable(pub(crate) String);

impl Encoding {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        for encoding in [Self::Json, Self::MessagePack] {
            if media_type.eq_ignore_ascii_case(encoding.media_type()) {
                return Ok(encoding);
            }
        }
        let shown: String = media_type.chars().take(100).collect();
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "the body is '{shown}'; send application/json or application/x-msgpack as content-type"
            ),
        ))
    }

    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(self.media_type())
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MessagePack => "application/x-msgpack",
        }
    }

    /// Encodes what a method returned.
    pub(crate) fn value(self, value: &impl Serialize) -> Result<Vec<u8>, Unserializable> {
        match self {
            Self::Json => {
                serde_json::to_vec(value).map_err(|error| Unserializable(error.to_string()))
            }
            Self::MessagePack => {
                let mut bytes = Vec::new();
                // As in JSON, structs are maps and dates are texts.
                let mut serializer =
                    rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_human_readable();
                let written = value.serialize(&mut serializer);
                written.map_err(|error| Unserializable(error.to_string()))?;
                Ok(bytes)
            }
        }
    }

    /// A completion with a result that is encoded already, framed.
    pub(crate) fn with_result(self, invocation_id: &str, result: &[u8]) -> Vec<u8> {
        match self {
            Self::Json => {
                let mut message = json_head(invocation_id);
                message.extend_from_slice(br#","result":"#);
                message.extend_from_slice(result);
                json_end(message)
            }
            Self::MessagePack => {
                let mut message = message_pack_head(invocation_id, 5, 3);
                message.extend_from_slice(result);
                message_pack_end(&message)
            }
        }
    }

    /// A completion with an error, framed.
    pub(crate) fn with_error(self, invocation_id: &str, error: &str) -> Vec<u8> {
        match self {
            Self::Json => {
                let mut message = json_head(invocation_id);
                message.extend_from_slice(br#","error":"#);
                message.extend_from_slice(json_text(error).as_bytes());
                json_end(message)
            }
            Self::MessagePack => {
                let mut message = message_pack_head(invocation_id, 5, 1);
                put(&mut message, &error.into());
                message_pack_end(&message)
            }
        }
    }
}

fn json_head(invocation_id: &str) -> Vec<u8> {
    format!(r#"{{"type":{COMPLETION},"invocationId":{}"#, json_text(invocation_id)).into_bytes()
}

fn json_end(mut message: Vec<u8>) -> Vec<u8> {
    message.extend_from_slice(&[b'}', RECORD_SEPARATOR]);
    message
}

#[expect(clippy::expect_used, reason = "a text is always JSON")]
fn json_text(text: &str) -> String {
    to_raw_value(text).expect("a text is always JSON").get().to_owned()
}

/// The first elements of a completion: type, headers, id and kind.
fn message_pack_head(invocation_id: &str, elements: u8, kind: u8) -> Vec<u8> {
    let mut message = vec![0x90 | elements];
    for value in
        [COMPLETION.into(), Value::Map(Vec::new()), invocation_id.into(), Value::from(kind)]
    {
        put(&mut message, &value);
    }
    message
}

#[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
fn put(message: &mut Vec<u8>, value: &Value) {
    rmpv::encode::write_value(message, value).expect("a Vec takes any bytes");
}

/// Puts the length in front, in groups of seven bits, the lowest first.
fn message_pack_end(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(message.len() + 5);
    let mut length = message.len();
    while length > 0x7f {
        framed.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    framed.push(length as u8);
    framed.extend_from_slice(message);
    framed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content_type: &'static str) -> Option<Encoding> {
        let content_type = HeaderValue::from_static(content_type);
        Encoding::of(&HeaderMap::from_iter([(CONTENT_TYPE, content_type)])).ok()
    }

    #[test]
    fn the_content_type_decides() {
        assert_eq!(of("application/json"), Some(Encoding::Json));
        assert_eq!(of("Application/JSON; charset=utf-8"), Some(Encoding::Json));
        assert_eq!(of("application/x-msgpack"), Some(Encoding::MessagePack));
        for other in ["", "text/plain", "application/msgpack", "application/json5"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(Encoding::of(&HeaderMap::new()).unwrap_err().status(), 415);
    }

    #[test]
    fn completions_in_json_end_with_the_separator() {
        let json = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(
            json(Encoding::Json.with_result("a\"b", b"[1]")),
            "{\"type\":3,\"invocationId\":\"a\\\"b\",\"result\":[1]}\u{1e}"
        );
        assert_eq!(
            json(Encoding::Json.with_error("1", "no\u{1e}")),
            "{\"type\":3,\"invocationId\":\"1\",\"error\":\"no\\u001e\"}\u{1e}"
        );
    }

    /// The published vectors, with their length in front.
    #[test]
    fn completions_in_message_pack_are_the_published_bytes() {
        assert_eq!(
            Encoding::MessagePack.with_result("xyz", b"\x2a"),
            b"\x09\x95\x03\x80\xa3xyz\x03\x2a"
        );
        assert_eq!(
            Encoding::MessagePack.with_error("xyz", "Error"),
            b"\x0e\x95\x03\x80\xa3xyz\x01\xa5Error"
        );
        let long = Encoding::MessagePack.with_result("xyz", &[0xc0; 300]);
        assert_eq!(long[..2], [0xb4, 0x02]);
        assert_eq!(long.len(), 2 + 308);
    }

    #[test]
    fn structs_are_maps_in_both() {
        #[derive(Serialize)]
        struct Point {
            x: Option<i8>,
        }
        let value = |encoding: Encoding| encoding.value(&(Point { x: None }, "é")).unwrap();
        assert_eq!(value(Encoding::Json), "[{\"x\":null},\"é\"]".as_bytes());
        assert_eq!(value(Encoding::MessagePack), b"\x92\x81\xa1x\xc0\xa2\xc3\xa9");
        let no_json = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(Encoding::Json.value(&no_json).is_err());
    }
}
