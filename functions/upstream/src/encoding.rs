//! The encoding of a request's body, and a method's result in the same encoding.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use signalr_function_runtime::Problem;
use signalr_serverless::upstream::Encoding;

/// The error for a value that cannot be encoded.
#[derive(Debug)]
pub(crate) struct Unserializable(pub(crate) String);

/// The encoding that a request's headers name.
pub(crate) fn of(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    for encoding in [Encoding::Json, Encoding::MessagePack] {
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

pub(crate) fn content_type(encoding: Encoding) -> HeaderValue {
    HeaderValue::from_static(encoding.media_type())
}

/// Encodes the result of a method.
pub(crate) fn value(encoding: Encoding, value: &impl Serialize) -> Result<Vec<u8>, Unserializable> {
    match encoding {
        Encoding::Json => {
            serde_json::to_vec(value).map_err(|error| Unserializable(error.to_string()))
        }
        Encoding::MessagePack => {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(content_type: &'static str) -> Option<Encoding> {
        let content_type = HeaderValue::from_static(content_type);
        of(&HeaderMap::from_iter([(CONTENT_TYPE, content_type)])).ok()
    }

    #[test]
    fn the_content_type_decides() {
        assert_eq!(named("application/json"), Some(Encoding::Json));
        assert_eq!(named("Application/JSON; charset=utf-8"), Some(Encoding::Json));
        assert_eq!(named("application/x-msgpack"), Some(Encoding::MessagePack));
        for other in ["", "text/plain", "application/msgpack", "application/json5"] {
            assert_eq!(named(other), None, "{other}");
        }
        assert_eq!(of(&HeaderMap::new()).unwrap_err().status(), 415);
    }

    #[test]
    fn structs_are_maps_in_both() {
        #[derive(Serialize)]
        struct Point {
            x: Option<i8>,
        }
        let encoded = |encoding| value(encoding, &(Point { x: None }, "é")).unwrap();
        assert_eq!(encoded(Encoding::Json), "[{\"x\":null},\"é\"]".as_bytes());
        assert_eq!(encoded(Encoding::MessagePack), b"\x92\x81\xa1x\xc0\xa2\xc3\xa9");
        let no_json = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(value(Encoding::Json, &no_json).is_err());
    }
}
