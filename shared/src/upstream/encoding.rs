//! The two encodings of bodies, and completions in them. A completion is a function's answer to a
//! client's call.
//!
//! ```
//! use signalr_serverless::upstream::{Encoding, RECORD_SEPARATOR};
//!
//! let framed = Encoding::Json.framed(b"{}");
//! assert_eq!(framed, [b'{', b'}', RECORD_SEPARATOR]);
//! ```

use rmpv::{Value, encode::write_value};
use serde_json::value::to_raw_value;

/// The type of a client's call in both encodings.
pub const INVOCATION: u8 = 1;

/// The type of its completion in both encodings.
pub const COMPLETION: u8 = 3;

/// The byte that ends a message in JSON.
pub const RECORD_SEPARATOR: u8 = 0x1e;

/// The most bytes that a length takes.
const MAX_LENGTH_BYTES: usize = 5;

/// The encoding that the client uses. Its calls and the answers have the same one.
///
/// ```
/// use signalr_serverless::upstream::Encoding;
///
/// assert_eq!(Encoding::MessagePack.media_type(), "application/x-msgpack");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "hub protocols have these two encodings")]
pub enum Encoding {
    /// JSON, each message with [`RECORD_SEPARATOR`] at its end.
    Json,
    /// MessagePack, each message with its [length](length_prefix) in front.
    MessagePack,
}

impl Encoding {
    /// The `content-type` of a call.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MessagePack => "application/x-msgpack",
        }
    }

    /// Adds the frame of this encoding to a message.
    #[must_use]
    pub fn framed(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Json => [message, &[RECORD_SEPARATOR]].concat(),
            Self::MessagePack => [&length_prefix(message.len()), message].concat(),
        }
    }

    /// A framed completion with a result. The result must be one value in this encoding.
    ///
    /// ```
    /// use signalr_serverless::upstream::Encoding;
    ///
    /// let completion = Encoding::Json.completion_with_result("7", b"[1]");
    /// assert_eq!(completion, b"{\"type\":3,\"invocationId\":\"7\",\"result\":[1]}\x1e");
    /// ```
    #[must_use]
    pub fn completion_with_result(self, invocation_id: &str, result: &[u8]) -> Vec<u8> {
        const KIND: u8 = 3;
        match self {
            Self::Json => self.framed(&json_completion(invocation_id, "result", result)),
            Self::MessagePack => self.framed(&message_pack_completion(invocation_id, KIND, result)),
        }
    }

    /// A completion with an error, framed.
    #[must_use]
    pub fn completion_with_error(self, invocation_id: &str, error: &str) -> Vec<u8> {
        const KIND: u8 = 1;
        match self {
            Self::Json => {
                let error = json_text(error);
                self.framed(&json_completion(invocation_id, "error", error.as_bytes()))
            }
            Self::MessagePack => {
                let mut text = Vec::new();
                put(&mut text, &error.into());
                self.framed(&message_pack_completion(invocation_id, KIND, &text))
            }
        }
    }
}

fn json_completion(invocation_id: &str, name: &str, value: &[u8]) -> Vec<u8> {
    let id = json_text(invocation_id);
    let head = format!(r#"{{"type":{COMPLETION},"invocationId":{id},"{name}":"#);
    [head.as_bytes(), value, b"}"].concat()
}

#[expect(clippy::expect_used, reason = "a text is always JSON")]
fn json_text(text: &str) -> String {
    to_raw_value(text).expect("a text is always JSON").get().to_owned()
}

/// An array of five: type, headers, id, kind, and an encoded value.
fn message_pack_completion(invocation_id: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    let mut message = vec![0x95];
    for field in
        [COMPLETION.into(), Value::Map(Vec::new()), invocation_id.into(), Value::from(kind)]
    {
        put(&mut message, &field);
    }
    message.extend_from_slice(value);
    message
}

#[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
fn put(message: &mut Vec<u8>, value: &Value) {
    write_value(message, value).expect("a Vec takes any bytes");
}

/// The length that precedes a MessagePack message: in groups of seven bits, the lowest first.
///
/// ```
/// assert_eq!(signalr_serverless::upstream::length_prefix(5248), [0x80, 0x29]);
/// ```
#[must_use]
pub fn length_prefix(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAX_LENGTH_BYTES);
    loop {
        let low = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_in_json_end_with_the_separator() {
        let json = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(
            json(Encoding::Json.completion_with_result("a\"b", b"[1]")),
            "{\"type\":3,\"invocationId\":\"a\\\"b\",\"result\":[1]}\u{1e}"
        );
        assert_eq!(
            json(Encoding::Json.completion_with_error("1", "no\u{1e}")),
            "{\"type\":3,\"invocationId\":\"1\",\"error\":\"no\\u001e\"}\u{1e}"
        );
    }

    /// The published vectors, with their length in front.
    #[test]
    fn completions_in_message_pack_are_the_published_bytes() {
        assert_eq!(
            Encoding::MessagePack.completion_with_result("xyz", b"\x2a"),
            b"\x09\x95\x03\x80\xa3xyz\x03\x2a"
        );
        assert_eq!(
            Encoding::MessagePack.completion_with_error("xyz", "Error"),
            b"\x0e\x95\x03\x80\xa3xyz\x01\xa5Error"
        );
        let long = Encoding::MessagePack.completion_with_result("xyz", &[0xc0; 300]);
        assert_eq!(long[..2], [0xb4, 0x02]);
        assert_eq!(long.len(), 2 + 308);
    }
}
