//! The JSON hub protocol: one JSON object per message, ended by the record separator.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
/// The byte that ends every message of the JSON protocol and the handshake.
pub(crate) use signalr_serverless::upstream::RECORD_SEPARATOR;

use super::client_message::{ClientMessage, ProtocolError, Split};

/// The ping message.
pub(crate) const PING: &[u8] = b"{\"type\":6}\x1e";

/// An invocation. If it has an id, it expects an answer. `arguments` is a JSON array, which stays
/// unchanged.
pub(crate) fn invocation(
    target: &str,
    arguments: &RawValue,
    invocation_id: Option<&str>,
) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Invocation<'a> {
        r#type: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        invocation_id: Option<&'a str>,
        target: &'a str,
        arguments: &'a RawValue,
    }
    record(&Invocation { r#type: 1, invocation_id, target, arguments })
}

/// One item of a stream, unchanged.
pub(crate) fn stream_item(invocation_id: &str, item: &RawValue) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct StreamItem<'a> {
        r#type: u8,
        invocation_id: &'a str,
        item: &'a RawValue,
    }
    record(&StreamItem { r#type: 2, invocation_id, item })
}

/// The end of a call or stream, without a result, or with an error.
pub(crate) fn completion(invocation_id: &str, error: Option<&str>) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Completion<'a> {
        r#type: u8,
        invocation_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    }
    record(&Completion { r#type: 3, invocation_id, error })
}

/// The last message of a connection.
pub(crate) fn close(error: Option<&str>, allow_reconnect: bool) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Close<'a> {
        r#type: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        allow_reconnect: bool,
    }
    record(&Close { r#type: 7, error, allow_reconnect })
}

/// An acknowledgement (type 8) or a sequence (type 9).
pub(crate) fn numbered(r#type: u8, sequence_id: u64) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Numbered {
        r#type: u8,
        sequence_id: u64,
    }
    record(&Numbered { r#type, sequence_id })
}

#[expect(clippy::expect_used, reason = "maps with string keys and raw JSON always serialise")]
fn record(message: &impl Serialize) -> Vec<u8> {
    let mut record = serde_json::to_vec(message).expect("a hub message is plain JSON");
    record.push(RECORD_SEPARATOR);
    record
}

/// Splits off the first record, without its separator.
pub(crate) fn split(bytes: &[u8]) -> Split<'_> {
    let end = bytes.iter().position(|byte| *byte == RECORD_SEPARATOR)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// Parses one message, without its record separator.
pub(crate) fn parse(record: &[u8]) -> Result<ClientMessage, ProtocolError> {
    let fields: Fields = serde_json::from_slice(record).map_err(|error| {
        ProtocolError::new(format!("a message is not a JSON hub message: {error}"))
    })?;
    let r#type = fields.r#type;
    let missing =
        |field: &str| ProtocolError::new(format!("a message of type {type} lacks '{field}'"));
    match r#type {
        1 => Ok(ClientMessage::Invocation {
            target: fields.target.ok_or_else(|| missing("target"))?,
            invocation_id: fields.invocation_id,
        }),
        2 => Ok(ClientMessage::StreamItem),
        3 => Ok(ClientMessage::Completion {
            invocation_id: fields.invocation_id.ok_or_else(|| missing("invocationId"))?,
            outcome: match (fields.result, fields.error) {
                (result, None) => Ok(result),
                (None, Some(error)) => Err(error),
                (Some(_), Some(_)) => {
                    let problem = "a completion has both a result and an error";
                    return Err(ProtocolError::new(problem));
                }
            },
        }),
        4 => Ok(ClientMessage::StreamInvocation {
            target: fields.target.ok_or_else(|| missing("target"))?,
            invocation_id: fields.invocation_id.ok_or_else(|| missing("invocationId"))?,
        }),
        5 => Ok(ClientMessage::CancelInvocation),
        6 => Ok(ClientMessage::Ping),
        7 => Ok(ClientMessage::Close),
        8 => Ok(ClientMessage::Ack {
            sequence_id: fields.sequence_id.ok_or_else(|| missing("sequenceId"))?,
        }),
        9 => Ok(ClientMessage::Sequence {
            sequence_id: fields.sequence_id.ok_or_else(|| missing("sequenceId"))?,
        }),
        _ => Ok(ClientMessage::Unknown),
    }
}

/// The fields of any message. The type decides which of them are present.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    r#type: u32,
    invocation_id: Option<String>,
    target: Option<String>,
    /// `null` is also a result.
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    error: Option<String>,
    sequence_id: Option<u64>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn arguments_are_passed_on_to_the_letter() {
        let arguments =
            raw(r#"[12345678901234567890, 1.0, {"b":1,"a":2}, "2020-01-01T00:00:00Z"]"#);
        let text = String::from_utf8(invocation("say \"hi\"", &arguments, None)).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"type":1,"target":"say \"hi\"","arguments":"#,
                r#"[12345678901234567890, 1.0, {"b":1,"a":2}, "2020-01-01T00:00:00Z"]}"#,
                "\u{1e}"
            )
        );
    }

    #[test]
    fn close_says_only_what_is_so() {
        assert_eq!(close(None, false), b"{\"type\":7}\x1e");
        assert_eq!(
            close(Some("bye"), true),
            b"{\"type\":7,\"error\":\"bye\",\"allowReconnect\":true}\x1e"
        );
    }

    #[test]
    fn field_order_is_free_and_unknown_fields_pass() {
        let message = br#"{"arguments":[1],"x":{},"target":"t","invocationId":"7","type":1}"#;
        match parse(message).unwrap() {
            ClientMessage::Invocation { target, invocation_id } => {
                assert_eq!((target.as_str(), invocation_id.as_deref()), ("t", Some("7")));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_completion_has_a_result_an_error_or_nothing() {
        let outcome = |rest: &str| match parse(
            format!("{{\"type\":3,\"invocationId\":\"1\"{rest}}}").as_bytes(),
        ) {
            Ok(ClientMessage::Completion { outcome, .. }) => {
                Some(outcome.map(|result| result.map(|result| result.get().to_owned())))
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => None,
        };
        assert_eq!(outcome(""), Some(Ok(None)));
        assert_eq!(outcome(",\"result\":null"), Some(Ok(Some("null".to_owned()))));
        assert_eq!(outcome(",\"result\":[1.0]"), Some(Ok(Some("[1.0]".to_owned()))));
        assert_eq!(outcome(",\"error\":\"no\""), Some(Err("no".to_owned())));
        assert_eq!(outcome(",\"error\":\"no\",\"result\":1"), None);
    }

    #[test]
    fn messages_without_effect_are_no_error() {
        let item = br#"{"type":2,"invocationId":"1","item":1}"#;
        assert!(matches!(parse(item), Ok(ClientMessage::StreamItem)));
        assert!(matches!(parse(br#"{"type":99}"#), Ok(ClientMessage::Unknown)));
    }

    #[test]
    fn what_is_no_hub_message_is_refused() {
        let deep = format!("{{\"type\":1,\"target\":\"t\",\"arguments\":{}", "[".repeat(100_000));
        for text in [
            "",
            "{}",
            "[]",
            "6",
            r#"{"type":"6"}"#,
            r#"{"type":1}"#,
            r#"{"type":4,"target":"t"}"#,
            "\u{fffd}",
            &deep,
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{}", &text[..text.len().min(40)]);
        }
        assert!(parse(&[0xff, 0xfe]).is_err());
    }
}
