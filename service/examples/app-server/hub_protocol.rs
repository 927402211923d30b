//! The hub protocol in JSON and MessagePack, as far as the hub needs it, and two protocols of its own that
//! the service does not know: JSON in lines, and JSON behind its length.

use bytes::Bytes;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HubProtocol {
    Json,
    MessagePack,
    /// JSON, and a line feed behind each message. It is text.
    Lines,
    /// JSON behind its length in four bytes, the highest first. It is binary.
    Lengths,
}

impl HubProtocol {
    pub(crate) const ALL: [Self; 4] = [Self::Json, Self::MessagePack, Self::Lines, Self::Lengths];

    pub(crate) fn named(name: Option<&str>) -> Self {
        let named = Self::ALL.into_iter().find(|protocol| Some(protocol.name()) == name);
        named.unwrap_or(Self::Json)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "messagepack",
            Self::Lines => "lines",
            Self::Lengths => "lengths",
        }
    }

    /// The messages in the bytes, each in the form that JSON has.
    pub(crate) fn read(self, bytes: &[u8]) -> Vec<Value> {
        match self {
            Self::Json => read_records(bytes, 0x1e),
            Self::MessagePack => read_message_pack(bytes),
            Self::Lines => read_records(bytes, b'\n'),
            Self::Lengths => read_lengths(bytes),
        }
    }

    /// A message in the form that JSON has, as bytes.
    pub(crate) fn write(self, message: &Value) -> Bytes {
        match self {
            Self::Json => format!("{message}\u{1e}").into(),
            Self::MessagePack => write_message_pack(message),
            Self::Lines => format!("{message}\n").into(),
            Self::Lengths => {
                let text = message.to_string();
                let length = u32::try_from(text.len()).unwrap().to_be_bytes();
                [&length[..], text.as_bytes()].concat().into()
            }
        }
    }
}

fn read_records(bytes: &[u8], separator: u8) -> Vec<Value> {
    let records = bytes.split(|byte| *byte == separator).filter(|record| !record.is_empty());
    records.map(|record| serde_json::from_slice(record).unwrap()).collect()
}

fn read_lengths(mut rest: &[u8]) -> Vec<Value> {
    let mut messages = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        messages.push(serde_json::from_slice(&behind[..length]).unwrap());
        rest = &behind[length..];
    }
    messages
}

fn read_message_pack(mut rest: &[u8]) -> Vec<Value> {
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = rest[0];
            rest = &rest[1..];
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = &rest[..length];
        rest = &rest[length..];
        let items: Value =
            rmpv::ext::from_value(rmpv::decode::read_value(&mut body).unwrap()).unwrap();
        messages.push(as_json(&items));
    }
    messages
}

fn as_json(items: &Value) -> Value {
    let item = |index: usize| items[index].clone();
    match items[0].as_u64() {
        Some(1 | 4) => json!({
            "type": items[0], "invocationId": item(2), "target": item(3), "arguments": item(4),
            "streamIds": item(5),
        }),
        Some(2) => json!({ "type": 2, "invocationId": item(2), "item": item(3) }),
        Some(3) => match items[3].as_u64() {
            Some(1) => json!({ "type": 3, "invocationId": item(2), "error": item(4) }),
            _ => json!({ "type": 3, "invocationId": item(2), "result": item(4) }),
        },
        _ => json!({ "type": items[0] }),
    }
}

fn write_message_pack(message: &Value) -> Bytes {
    let id = &message["invocationId"];
    let items = match message["type"].as_u64() {
        Some(1) => json!([1, {}, id, message["target"], message["arguments"], []]),
        Some(2) => json!([2, {}, id, message["item"]]),
        Some(3) => match (message.get("error"), message.get("result")) {
            (Some(error), _) => json!([3, {}, id, 1, error]),
            (None, Some(result)) => json!([3, {}, id, 3, result]),
            (None, None) => json!([3, {}, id, 2]),
        },
        _ => json!([7, null, message["allowReconnect"] == true]),
    };
    let mut body = Vec::new();
    rmpv::encode::write_value(&mut body, &rmpv::ext::to_value(items).unwrap()).unwrap();
    let mut bytes = Vec::new();
    let mut left = body.len();
    while left > 0x7f {
        bytes.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes.extend(body);
    bytes.into()
}
