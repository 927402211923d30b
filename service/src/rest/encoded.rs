//! Bodies of hub messages that the caller encoded: a MessagePack map from the name of a protocol
//! to the bytes of a framed message. Source: `BinaryPayloadMessageContent` of Azure's SDK.

use bytes::Bytes;
use rmpv::{ValueRef, decode::read_value_ref_with_max_depth};
use serde_json::value::RawValue;

use super::error::Error;
use crate::{
    hub::message::Content,
    protocol::{json::RECORD_SEPARATOR, message_pack},
};

/// The most steps of the decoder. A map of strings and bytes has one level, for which the decoder
/// counts several steps.
const MAX_DEPTH: usize = 16;

/// The framed messages. Each is checked for errors that would make a client end its connection.
pub(super) fn content(body: &Bytes) -> Result<Content, Error> {
    let bad = |problem: String| Error::bad("body", problem);
    let mut rest: &[u8] = body;
    let map = read_value_ref_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|error| bad(format!("the body is not a MessagePack map: {error}")))?;
    let ValueRef::Map(entries) = map else {
        return Err(bad("the body is not a map from protocol names to bytes".to_owned()));
    };
    if !rest.is_empty() {
        return Err(bad(format!("{} bytes come behind the map", rest.len())));
    }
    let (mut json, mut message_pack) = (None, None);
    for (name, frame) in entries {
        let (ValueRef::String(name), ValueRef::Binary(frame)) = (name, frame) else {
            return Err(bad("the map holds something else than names and bytes".to_owned()));
        };
        match name.as_str() {
            Some("json") => json = Some(check_json(body.slice_ref(frame))?),
            Some("messagepack") => {
                message_pack = Some(check_message_pack(body.slice_ref(frame))?);
            }
            name => {
                let name = name.unwrap_or("?");
                let problem =
                    format!("protocol '{name}' is not known; use 'json' and 'messagepack'");
                return Err(bad(problem));
            }
        }
    }
    Ok(Content::Encoded { json, message_pack })
}

fn check_json(frame: Bytes) -> Result<Bytes, Error> {
    let message = frame.strip_suffix(&[RECORD_SEPARATOR]);
    let is_one = message.is_some_and(|message| {
        message.starts_with(b"{") && serde_json::from_slice::<&RawValue>(message).is_ok()
    });
    if !is_one {
        let problem = "the message for 'json' is not one JSON object that ends with 0x1E";
        return Err(Error::bad("body", problem));
    }
    Ok(frame)
}

fn check_message_pack(frame: Bytes) -> Result<Bytes, Error> {
    match message_pack::split(&frame) {
        Ok(Some((_, []))) => Ok(frame),
        _ => Err(Error::bad("body", "the message for 'messagepack' is not one with its length")),
    }
}

#[cfg(test)]
mod tests {
    use rmpv::{Value, encode::write_value};

    use super::*;

    fn body(entries: Vec<(&str, Value)>) -> Bytes {
        let mut bytes = Vec::new();
        let map = entries.into_iter().map(|(name, value)| (name.into(), value)).collect();
        write_value(&mut bytes, &Value::Map(map)).unwrap();
        bytes.into()
    }

    fn binary(bytes: &[u8]) -> Value {
        Value::Binary(bytes.to_vec())
    }

    #[test]
    fn a_frame_is_passed_through_untouched() {
        let frame = b"{\"type\":1, \"target\":\"m\",\"arguments\":[ 1.0 ]}\x1e";
        let both = body(vec![("messagepack", binary(b"\x01\xc0")), ("json", binary(frame))]);
        let Content::Encoded { json, message_pack } = content(&both).unwrap() else { panic!() };
        assert_eq!(json.unwrap(), &frame[..]);
        assert_eq!(message_pack.unwrap(), &b"\x01\xc0"[..]);
    }

    #[test]
    fn what_is_no_map_of_frames_is_refused() {
        let behind = [body(vec![]).as_ref(), b"\xc0"].concat();
        for bytes in [
            Bytes::new(),
            Bytes::from_static(b"{}"),
            Bytes::from_static(b"\xc0"),
            Bytes::from(vec![0x91; 100_000]),
            Bytes::from_static(b"\xdf\xff\xff\xff\xff"),
            behind.into(),
            body(vec![("json", Value::from("{}\u{1e}"))]),
            body(vec![("json", binary(b"{}"))]),
            body(vec![("json", binary(b"\xff\x1e"))]),
            body(vec![("json", binary(b"{}\x1e{}\x1e"))]),
            body(vec![("json", binary(b"{}\x1e\x1e"))]),
            body(vec![("json", binary(b"\x1e"))]),
            body(vec![("json", binary(b"[]\x1e"))]),
            body(vec![("json", binary(b"{\"type\":\x1e"))]),
            body(vec![("messagepack", binary(b"\x02\xc0"))]),
            body(vec![("messagepack", binary(b""))]),
            body(vec![("blazorpack", binary(b""))]),
        ] {
            assert!(content(&bytes).is_err(), "{:?}", &bytes[..bytes.len().min(20)]);
        }
    }
}
