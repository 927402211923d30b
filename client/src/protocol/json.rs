//! The JSON hub protocol: one JSON object for each message, ended by the record separator.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::message::{CallMessage, Message, Outcome, ProtocolError, RECORD_SEPARATOR};
use crate::payload::Payload;

pub(super) fn take(bytes: &mut &[u8]) -> Result<Option<Message>, ProtocolError> {
    let Some(end) = bytes.iter().position(|byte| *byte == RECORD_SEPARATOR) else {
        return Ok(None);
    };
    let record = &bytes[..end];
    *bytes = &bytes[end + 1..];
    parse(record).map(Some)
}

fn parse(record: &[u8]) -> Result<Message, ProtocolError> {
    let fields: Fields = serde_json::from_slice(record)
        .map_err(|error| ProtocolError(format!("no JSON of one: {error}")))?;
    let r#type = fields.r#type;
    let lacks = |name: &str| ProtocolError(format!("a message of type {type} lacks '{name}'"));
    let id = |id: Option<String>| id.ok_or_else(|| lacks("invocationId"));
    let number = |number: Option<u64>| number.ok_or_else(|| lacks("sequenceId"));
    Ok(match r#type {
        1 => Message::Invocation {
            id: fields.invocation_id,
            target: fields.target.ok_or_else(|| lacks("target"))?,
            arguments: Payload::json(fields.arguments.ok_or_else(|| lacks("arguments"))?),
        },
        2 => Message::StreamItem {
            id: id(fields.invocation_id)?,
            item: Payload::json(fields.item.ok_or_else(|| lacks("item"))?),
        },
        3 => Message::Completion {
            id: id(fields.invocation_id)?,
            outcome: match (fields.error, fields.result) {
                (Some(error), _) => Err(error),
                (None, result) => Ok(result.map(Payload::json)),
            },
        },
        5 => Message::Cancel,
        6 => Message::Ping,
        7 => Message::Close { error: fields.error, allow_reconnect: fields.allow_reconnect },
        8 => Message::Ack(number(fields.sequence_id)?),
        9 => Message::Sequence(number(fields.sequence_id)?),
        _ => Message::Unknown,
    })
}

/// The fields of any message. The type decides which of them are present.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    r#type: u32,
    invocation_id: Option<String>,
    target: Option<String>,
    arguments: Option<Box<RawValue>>,
    /// `null` is also an item or a result.
    #[serde(default, deserialize_with = "present")]
    item: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    error: Option<String>,
    #[serde(default)]
    allow_reconnect: bool,
    sequence_id: Option<u64>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// A message to the server. Absent fields are left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    r#type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stream_ids: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_id: Option<u64>,
}

impl Record<'_> {
    #[expect(clippy::expect_used, reason = "texts, numbers and raw JSON always serialise")]
    fn framed(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("a hub message is plain JSON");
        bytes.push(RECORD_SEPARATOR);
        bytes
    }
}

pub(super) fn call(call: &CallMessage<'_>) -> Vec<u8> {
    Record {
        r#type: call.kind(),
        invocation_id: call.id,
        target: Some(call.target),
        arguments: call.arguments.as_json(),
        stream_ids: call.stream_ids,
        ..Record::default()
    }
    .framed()
}

pub(super) fn item(id: &str, item: &Payload) -> Vec<u8> {
    Record { r#type: 2, invocation_id: Some(id), item: item.as_json(), ..Record::default() }
        .framed()
}

pub(super) fn completion(id: &str, outcome: &Outcome) -> Vec<u8> {
    let (result, error) = match outcome {
        Ok(result) => (result.as_ref().and_then(Payload::as_json), None),
        Err(error) => (None, Some(error.as_str())),
    };
    Record { r#type: 3, invocation_id: Some(id), result, error, ..Record::default() }.framed()
}

pub(super) fn cancel(id: &str) -> Vec<u8> {
    Record { r#type: 5, invocation_id: Some(id), ..Record::default() }.framed()
}

pub(super) fn numbered(r#type: u8, number: u64) -> Vec<u8> {
    Record { r#type, sequence_id: Some(number), ..Record::default() }.framed()
}
