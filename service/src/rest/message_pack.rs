//! From MessagePack to JSON, for bodies of `application/x-msgpack`.

use base64::{Engine, engine::general_purpose::STANDARD};
use rmpv::{ValueRef, decode::read_value_ref_with_max_depth};
use serde::{Serialize, Serializer, ser};
use serde_json::value::{RawValue, to_raw_value};

use super::error::Error;

/// How deep values may stand within each other; the decoder counts several steps for a level.
const MAX_DEPTH: usize = 256;

/// One value as JSON. Integers stay exact; bytes become base64, as JSON has none.
pub(super) fn to_json(body: &[u8]) -> Result<Box<RawValue>, Error> {
    let bad = |problem: String| Error::bad("body", problem);
    let mut rest = body;
    let value = read_value_ref_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|error| bad(format!("the body is not MessagePack: {error}")))?;
    if !rest.is_empty() {
        return Err(bad(format!("{} bytes come behind the value", rest.len())));
    }
    to_raw_value(&AsJson(&value))
        .map_err(|error| bad(format!("the body has no JSON form: {error}")))
}

struct AsJson<'a>(&'a ValueRef<'a>);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ValueRef::Nil => serializer.serialize_unit(),
            ValueRef::Boolean(value) => serializer.serialize_bool(*value),
            ValueRef::Integer(value) => match (value.as_u64(), value.as_i64()) {
                (Some(value), _) => serializer.serialize_u64(value),
                (None, Some(value)) => serializer.serialize_i64(value),
                (None, None) => Err(ser::Error::custom("an integer is out of range")),
            },
            ValueRef::F32(value) => serializer.serialize_f32(*value),
            ValueRef::F64(value) => serializer.serialize_f64(*value),
            ValueRef::String(value) => match value.as_str() {
                Some(text) => serializer.serialize_str(text),
                None => Err(ser::Error::custom("a string is not UTF-8")),
            },
            ValueRef::Binary(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            ValueRef::Array(values) => serializer.collect_seq(values.iter().map(AsJson)),
            ValueRef::Map(entries) => {
                let entries: Option<Vec<_>> = entries
                    .iter()
                    .map(|(name, value)| match name {
                        ValueRef::String(name) => Some((name.as_str()?, AsJson(value))),
                        _ => None,
                    })
                    .collect();
                match entries {
                    Some(entries) => serializer.collect_map(entries),
                    None => Err(ser::Error::custom("a map has a key that is no string")),
                }
            }
            ValueRef::Ext(kind, _) => {
                Err(ser::Error::custom(format!("extension type {kind} means nothing in JSON")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: &[u8]) -> Option<String> {
        to_json(bytes).ok().map(|json| json.get().to_owned())
    }

    #[test]
    fn values_keep_their_meaning() {
        let bytes = b"\x87\xa1a\xc0\xa1b\x93\xc3\xff\xcf\xff\xff\xff\xff\xff\xff\xff\xff\
                      \xa1c\xca\x3f\x8c\xcc\xcd\xa1d\xc4\x02\x00\xff\xa1e\xa2\xc3\xa9\
                      \xa1f\x80\xa1g\xd3\x80\x00\x00\x00\x00\x00\x00\x00";
        assert_eq!(
            json(bytes).unwrap(),
            "{\"a\":null,\"b\":[true,-1,18446744073709551615],\"c\":1.1,\"d\":\"AP8=\",\
             \"e\":\"é\",\"f\":{},\"g\":-9223372036854775808}"
        );
    }

    #[test]
    fn what_has_no_json_form_is_refused() {
        for bytes in [
            &b""[..],
            b"\xc0\xc0",
            b"\x81\x01\x01",
            b"\xa1\xff",
            b"\xd6\xff\x00\x00\x00\x00",
            b"\xdd\xff\xff\xff\xff",
            &[0x91; 100_000],
        ] {
            assert_eq!(json(bytes), None, "{:?}", &bytes[..bytes.len().min(20)]);
        }
    }
}
