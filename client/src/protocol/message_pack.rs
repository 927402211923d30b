//! The MessagePack hub protocol: one array for each message, with its length in front.

use rmpv::{
    Value, ValueRef,
    decode::read_value_ref_with_max_depth,
    encode::{write_value, write_value_ref},
};

use super::message::{CallMessage, Message, Outcome, ProtocolError};
use crate::payload::Payload;

/// How deeply values may be nested. The decoder counts several steps for each level.
const MAX_DEPTH: usize = 256;
/// The most bytes that a length takes. Source: the specification.
const MAX_LENGTH_BYTES: usize = 5;

const ERROR: u8 = 1;
const VOID: u8 = 2;
const RESULT: u8 = 3;

pub(super) fn take(bytes: &mut &[u8]) -> Result<Option<Message>, ProtocolError> {
    let mut length = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(MAX_LENGTH_BYTES) {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let rest = &bytes[index + 1..];
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let Some((message, rest)) = rest.split_at_checked(length) else { return Ok(None) };
            *bytes = rest;
            return parse(message).map(Some);
        }
    }
    if bytes.len() < MAX_LENGTH_BYTES {
        return Ok(None);
    }
    Err(ProtocolError("the length of a message takes more than 5 bytes".to_owned()))
}

fn parse(message: &[u8]) -> Result<Message, ProtocolError> {
    let mut rest = message;
    let value = read_value_ref_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|error| ProtocolError(format!("no MessagePack: {error}")))?;
    let ValueRef::Array(fields) = value else {
        return Err(ProtocolError("no array".to_owned()));
    };
    if !rest.is_empty() {
        return Err(ProtocolError("bytes come behind a message".to_owned()));
    }
    let fields = Fields(&fields);
    Ok(match fields.integer(0)? {
        1 => Message::Invocation {
            id: fields.optional_text(2)?,
            target: fields.text(3)?,
            arguments: fields.payload(4)?,
        },
        2 => Message::StreamItem { id: fields.text(2)?, item: fields.payload(3)? },
        3 => Message::Completion { id: fields.text(2)?, outcome: fields.outcome()? },
        5 => Message::Cancel,
        6 => Message::Ping,
        7 => Message::Close {
            error: fields.optional_text(1)?,
            allow_reconnect: matches!(fields.0.get(2), Some(ValueRef::Boolean(true))),
        },
        8 => Message::Ack(fields.integer(1)?),
        9 => Message::Sequence(fields.integer(1)?),
        _ => Message::Unknown,
    })
}

/// The elements of a message.
struct Fields<'a>(&'a [ValueRef<'a>]);

impl Fields<'_> {
    fn wrong(index: usize, what: &str) -> ProtocolError {
        ProtocolError(format!("element {index} of a message is no {what}"))
    }

    fn integer(&self, index: usize) -> Result<u64, ProtocolError> {
        match self.0.get(index) {
            Some(ValueRef::Integer(value)) => value.as_u64(),
            _ => None,
        }
        .ok_or_else(|| Self::wrong(index, "number"))
    }

    fn text(&self, index: usize) -> Result<String, ProtocolError> {
        self.optional_text(index)?.ok_or_else(|| Self::wrong(index, "text"))
    }

    fn optional_text(&self, index: usize) -> Result<Option<String>, ProtocolError> {
        match self.0.get(index) {
            None | Some(ValueRef::Nil) => Ok(None),
            Some(ValueRef::String(text)) => match text.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(Self::wrong(index, "UTF-8")),
            },
            Some(_) => Err(Self::wrong(index, "text")),
        }
    }

    #[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
    fn payload(&self, index: usize) -> Result<Payload, ProtocolError> {
        let value = self.0.get(index).ok_or_else(|| Self::wrong(index, "value"))?;
        let mut bytes = Vec::new();
        write_value_ref(&mut bytes, value).expect("a Vec takes any bytes");
        Ok(Payload::message_pack(bytes))
    }

    fn outcome(&self) -> Result<Outcome, ProtocolError> {
        match self.integer(3)? {
            kind if kind == u64::from(ERROR) => Ok(Err(self.text(4)?)),
            kind if kind == u64::from(VOID) => Ok(Ok(None)),
            kind if kind == u64::from(RESULT) => Ok(Ok(Some(self.payload(4)?))),
            kind => Err(ProtocolError(format!("a completion is of the unknown kind {kind}"))),
        }
    }
}

pub(super) fn call(call: &CallMessage<'_>) -> Vec<u8> {
    let id = call.id.map_or(Value::Nil, Value::from);
    let streams = call.stream_ids.iter().map(|id| id.as_str().into()).collect();
    Writer::array(6)
        .value(call.kind())
        .headers()
        .value(id)
        .value(call.target)
        .payload(call.arguments)
        .value(Value::Array(streams))
        .framed()
}

pub(super) fn item(id: &str, item: &Payload) -> Vec<u8> {
    Writer::array(4).value(2).headers().value(id).payload(item).framed()
}

pub(super) fn completion(id: &str, outcome: &Outcome) -> Vec<u8> {
    let head = |length| Writer::array(length).value(3).headers().value(id);
    match outcome {
        Err(error) => head(5).value(ERROR).value(error.as_str()),
        Ok(None) => head(4).value(VOID),
        Ok(Some(result)) => head(5).value(RESULT).payload(result),
    }
    .framed()
}

pub(super) fn cancel(id: &str) -> Vec<u8> {
    Writer::array(3).value(5).headers().value(id).framed()
}

pub(super) fn numbered(kind: u8, number: u64) -> Vec<u8> {
    Writer::array(2).value(kind).value(number).framed()
}

/// A message that is being written. No array has more than 15 elements.
struct Writer(Vec<u8>);

impl Writer {
    fn array(length: u8) -> Self {
        Self(vec![0x90 | length])
    }

    #[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
    fn value(mut self, value: impl Into<Value>) -> Self {
        write_value(&mut self.0, &value.into()).expect("a Vec takes any bytes");
        self
    }

    fn headers(self) -> Self {
        self.value(Value::Map(Vec::new()))
    }

    fn payload(mut self, payload: &Payload) -> Self {
        self.0.extend_from_slice(payload.as_message_pack());
        self
    }

    fn framed(self) -> Vec<u8> {
        let mut framed = Vec::with_capacity(self.0.len() + MAX_LENGTH_BYTES);
        let mut length = self.0.len();
        while length > 0x7f {
            framed.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        framed.push(length as u8);
        framed.extend_from_slice(&self.0);
        framed
    }
}
