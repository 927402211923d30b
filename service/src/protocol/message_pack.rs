//! The MessagePack hub protocol: one array per message, with its length in front.

use base64::{Engine, engine::general_purpose::STANDARD};
use rmpv::{Value, ValueRef, decode::read_value_ref_with_max_depth, encode::write_value};
use serde::{Serialize, Serializer, ser};
use serde_json::value::{RawValue, to_raw_value};
use signalr_serverless::upstream::length_prefix;

use super::client_message::{ClientMessage, Outcome, ProtocolError, Split};

/// The ping message.
pub(crate) const PING: &[u8] = &[0x02, 0x91, 0x06];

/// How deeply values may be nested. The decoder counts several steps for each level.
const MAX_DEPTH: usize = 256;

/// The most bytes that a length takes. Source: the specification.
const MAX_LENGTH_BYTES: usize = 5;

/// An invocation. If it has an id, it expects an answer. `None` if the arguments have no
/// MessagePack form, such as a number that is too large for a float.
pub(crate) fn invocation(
    target: &str,
    arguments: &RawValue,
    invocation_id: Option<&str>,
) -> Option<Vec<u8>> {
    let id = invocation_id.map_or(Value::Nil, Value::from);
    let streams = Value::Array(Vec::new());
    Some(framed(vec![1.into(), headers(), id, target.into(), from_json(arguments)?, streams]))
}

/// One item of a stream. `None` if it has no MessagePack form.
pub(crate) fn stream_item(invocation_id: &str, item: &RawValue) -> Option<Vec<u8>> {
    Some(framed(vec![2.into(), headers(), invocation_id.into(), from_json(item)?]))
}

/// The end of a call or stream, without a result, or with an error.
pub(crate) fn completion(invocation_id: &str, error: Option<&str>) -> Vec<u8> {
    let head = [3.into(), headers(), invocation_id.into()];
    let tail = match error {
        Some(error) => vec![1.into(), error.into()],
        None => vec![2.into()],
    };
    framed(head.into_iter().chain(tail).collect())
}

/// The last message of a connection.
pub(crate) fn close(error: Option<&str>, allow_reconnect: bool) -> Vec<u8> {
    let error = error.map_or(Value::Nil, Value::from);
    framed(vec![7.into(), error, allow_reconnect.into()])
}

/// An acknowledgement (type 8) or a sequence (type 9).
pub(crate) fn numbered(r#type: u8, sequence_id: u64) -> Vec<u8> {
    framed(vec![r#type.into(), sequence_id.into()])
}

fn headers() -> Value {
    Value::Map(Vec::new())
}

/// Converts JSON. Integers of up to 64 bits stay exact, other numbers become floats, and strings
/// always stay strings.
fn from_json(json: &RawValue) -> Option<Value> {
    serde_json::from_str(json.get()).ok()
}

#[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
fn framed(message: Vec<Value>) -> Vec<u8> {
    let mut body = Vec::new();
    write_value(&mut body, &Value::Array(message)).expect("a Vec takes any bytes");
    let mut framed = length_prefix(body.len());
    framed.extend_from_slice(&body);
    framed
}

/// Replaces the id of a framed invocation. Its arguments stay unchanged. The result also has its
/// target and, if possible, its arguments as JSON. `None` if the frame is not an invocation.
pub(crate) fn with_invocation_id(frame: &[u8], id: &str) -> Option<Invocation> {
    let (mut message, _) = split(frame).ok()??;
    let value = read_value_ref_with_max_depth(&mut message, MAX_DEPTH).ok()?;
    let ValueRef::Array(fields) = value else { return None };
    let fields = Fields(&fields);
    let (1, target) = (fields.integer(0).ok()?, fields.text(3).ok()?) else { return None };
    let arguments = fields.0.get(4).filter(|value| matches!(value, ValueRef::Array(_)))?;
    let mut renamed: Vec<Value> = fields.0.iter().map(ValueRef::to_owned).collect();
    *renamed.get_mut(2)? = id.into();
    Some(Invocation {
        frame: framed(renamed),
        target: target.to_owned(),
        arguments: to_raw_value(&AsJson(arguments)).ok(),
    })
}

/// An invocation that was received in MessagePack.
pub(crate) struct Invocation {
    pub(crate) frame: Vec<u8>,
    pub(crate) target: String,
    /// The arguments as JSON; `None` if they have no JSON form.
    pub(crate) arguments: Option<Box<RawValue>>,
}

/// Splits off the first message, without its length.
pub(crate) fn split(bytes: &[u8]) -> Result<Split<'_>, ProtocolError> {
    let mut length = 0_u64;
    for (index, byte) in bytes.iter().enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if length > i32::MAX as u64 {
                break;
            }
            let rest = &bytes[index + 1..];
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            return Ok((rest.len() >= length).then(|| rest.split_at(length)));
        }
        if index + 1 == MAX_LENGTH_BYTES {
            break;
        }
    }
    if bytes.len() < MAX_LENGTH_BYTES {
        return Ok(None);
    }
    Err(ProtocolError::new("the length of a message is more than 2 GB"))
}

/// Parses one message, without its length.
pub(crate) fn parse(message: &[u8]) -> Result<ClientMessage, ProtocolError> {
    let mut rest = message;
    let value = read_value_ref_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|error| ProtocolError::new(format!("a message is not MessagePack: {error}")))?;
    let ValueRef::Array(fields) = value else {
        return Err(ProtocolError::new("a message is not an array"));
    };
    if !rest.is_empty() {
        return Err(ProtocolError::new("bytes come behind a message"));
    }
    let fields = Fields(&fields);
    match fields.integer(0)? {
        1 => Ok(ClientMessage::Invocation {
            target: fields.text(3)?.to_owned(),
            invocation_id: match fields.0.get(2) {
                Some(ValueRef::Nil) => None,
                _ => Some(fields.text(2)?.to_owned()),
            },
        }),
        2 => Ok(ClientMessage::StreamItem),
        3 => Ok(ClientMessage::Completion {
            invocation_id: fields.text(2)?.to_owned(),
            outcome: fields.outcome()?,
        }),
        4 => Ok(ClientMessage::StreamInvocation {
            target: fields.text(3)?.to_owned(),
            invocation_id: fields.text(2)?.to_owned(),
        }),
        5 => Ok(ClientMessage::CancelInvocation),
        6 => Ok(ClientMessage::Ping),
        7 => Ok(ClientMessage::Close),
        8 => Ok(ClientMessage::Ack { sequence_id: fields.integer(1)? }),
        9 => Ok(ClientMessage::Sequence { sequence_id: fields.integer(1)? }),
        _ => Ok(ClientMessage::Unknown),
    }
}

/// The elements of a message.
struct Fields<'a>(&'a [ValueRef<'a>]);

impl Fields<'_> {
    fn integer(&self, index: usize) -> Result<u64, ProtocolError> {
        match self.0.get(index) {
            Some(ValueRef::Integer(value)) => value.as_u64(),
            _ => None,
        }
        .ok_or_else(|| ProtocolError::new(format!("element {index} of a message is not a number")))
    }

    fn text(&self, index: usize) -> Result<&str, ProtocolError> {
        match self.0.get(index) {
            Some(ValueRef::String(value)) => value.as_str(),
            _ => None,
        }
        .ok_or_else(|| ProtocolError::new(format!("element {index} of a message is not text")))
    }

    /// How a completion ended, by its kind: 1 is an error, 2 nothing, 3 a result.
    fn outcome(&self) -> Result<Outcome, ProtocolError> {
        match (self.integer(3)?, self.0.get(4)) {
            (1, _) => Ok(Err(self.text(4)?.to_owned())),
            (2, _) => Ok(Ok(None)),
            (3, Some(result)) => match to_raw_value(&AsJson(result)) {
                Ok(result) => Ok(Ok(Some(result))),
                // Callers that accept the client's bytes still get them.
                Err(error) => Ok(Err(format!("the result has no form in JSON: {error}"))),
            },
            _ => Err(ProtocolError::new("a completion has neither result nor error")),
        }
    }
}

/// One MessagePack value as JSON. Integers stay exact. Bytes become base64, because JSON has no
/// bytes.
pub(crate) fn to_json(bytes: &[u8]) -> Result<Box<RawValue>, ProtocolError> {
    let mut rest = bytes;
    let value = read_value_ref_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|error| ProtocolError::new(format!("this is not MessagePack: {error}")))?;
    if !rest.is_empty() {
        return Err(ProtocolError::new(format!("{} bytes come behind the value", rest.len())));
    }
    to_raw_value(&AsJson(&value))
        .map_err(|error| ProtocolError::new(format!("this has no JSON form: {error}")))
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
                    None => Err(ser::Error::custom("a map has a key that is not a string")),
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

    /// The published vectors, without their length.
    #[test]
    fn messages_are_the_published_bytes() {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let bytes = |framed: Vec<u8>| {
            let (message, rest) = split(&framed).unwrap().unwrap();
            assert!(rest.is_empty());
            message.to_vec()
        };
        let invocation = |id| bytes(invocation("method", &raw("[42]"), id).unwrap());
        assert_eq!(invocation(Some("xyz")), b"\x96\x01\x80\xa3xyz\xa6method\x91\x2a\x90");
        assert_eq!(invocation(None), b"\x96\x01\x80\xc0\xa6method\x91\x2a\x90");
        assert_eq!(bytes(stream_item("xyz", &raw("42")).unwrap()), b"\x94\x02\x80\xa3xyz\x2a");
        assert_eq!(bytes(completion("xyz", None)), b"\x94\x03\x80\xa3xyz\x02");
        assert_eq!(bytes(completion("xyz", Some("Error"))), b"\x95\x03\x80\xa3xyz\x01\xa5Error");
        assert_eq!(bytes(close(Some("xyz"), true)), b"\x93\x07\xa3xyz\xc3");
        assert_eq!(bytes(numbered(8, 36)), b"\x92\x08\x24");
        assert_eq!(bytes(numbered(9, 19)), b"\x92\x09\x13");
        assert_eq!(bytes(PING.to_vec()), b"\x91\x06");
    }

    #[test]
    fn published_messages_of_clients_are_understood() {
        let debug = |bytes: &[u8]| format!("{:?}", parse(bytes).unwrap());
        for (bytes, expected) in [
            (
                &b"\x96\x01\x80\xa3xyz\xa6method\x91\x2a\x90"[..],
                "Invocation { target: \"method\", invocation_id: Some(\"xyz\") }",
            ),
            (
                b"\x95\x01\x80\xc0\xa6method\x91\x2a",
                "Invocation { target: \"method\", invocation_id: None }",
            ),
            (b"\x94\x02\x80\xa3xyz\x2a", "StreamItem"),
            (
                b"\x95\x03\x80\xa3xyz\x03\x2a",
                "Completion { invocation_id: \"xyz\", outcome: Ok(Some(RawValue(42))) }",
            ),
            (
                b"\x95\x03\x80\xa3xyz\x01\xa5Error",
                "Completion { invocation_id: \"xyz\", outcome: Err(\"Error\") }",
            ),
            (
                b"\x94\x03\x80\xa3xyz\x02",
                "Completion { invocation_id: \"xyz\", outcome: Ok(None) }",
            ),
            (
                b"\x96\x04\x80\xa3xyz\xa6method\x91\x2a\x90",
                "StreamInvocation { target: \"method\", invocation_id: \"xyz\" }",
            ),
            (b"\x93\x05\x80\xa3xyz", "CancelInvocation"),
            (b"\x91\x06", "Ping"),
            (b"\x92\x07\xa3xyz", "Close"),
            (b"\x92\x08\xcc\x24", "Ack { sequence_id: 36 }"),
            (b"\x92\x09\xcc\x13", "Sequence { sequence_id: 19 }"),
            (b"\x91\x63", "Unknown"),
        ] {
            assert_eq!(debug(bytes), expected);
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [
            &b""[..],
            b"\xc0",
            b"\x90",
            b"\x91\xa1x",
            b"\x91\xff",
            b"\x91\x01",
            b"\x92\x08\xc0",
            b"\x94\x03\x80\xa3xyz\x07",
            b"\x94\x03\x80\xa3xyz\x03",
            b"\x91\x06\x00",
            &[0x91; 10_000],
        ] {
            assert!(parse(bytes).is_err(), "{:?}", &bytes[..bytes.len().min(10)]);
        }
    }

    #[test]
    fn lengths_are_split_off_wherever_they_are_cut() {
        assert_eq!(length_prefix(5248), [0x80, 0x29]);
        let message = vec![7; 300];
        let framed = [length_prefix(300), message.clone()].concat();
        for cut in 0..framed.len() {
            assert!(split(&framed[..cut]).unwrap().is_none(), "{cut}");
        }
        assert_eq!(split(&framed).unwrap().unwrap().0, message);
        assert!(split(&[0xff, 0xff, 0xff, 0xff, 0x7f]).is_err());
        assert!(split(&[0x80, 0x80, 0x80, 0x80, 0x80]).is_err());
        assert!(split(&[0xff, 0xff, 0xff, 0xff, 0x07]).unwrap().is_none());
    }

    #[test]
    fn json_becomes_what_it_means() {
        let value = |json: &str| from_json(&RawValue::from_string(json.to_owned()).unwrap());
        for (json, expected) in [
            ("18446744073709551615", Value::from(u64::MAX)),
            ("-9223372036854775808", Value::from(i64::MIN)),
            ("18446744073709551616", Value::F64(18_446_744_073_709_551_616.0)),
            ("1.0", Value::F64(1.0)),
            ("\"2020-01-01T00:00:00Z\"", Value::from("2020-01-01T00:00:00Z")),
            ("[null,true]", Value::Array(vec![Value::Nil, true.into()])),
            (
                "{\"b\":1,\"a\":{}}",
                Value::Map(vec![("b".into(), 1.into()), ("a".into(), Value::Map(vec![]))]),
            ),
        ] {
            assert_eq!(value(json), Some(expected));
        }
        assert_eq!(value("1e400"), None);
    }
}
