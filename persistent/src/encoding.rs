//! Encodes messages and names for the service.

use serde::Deserialize;
use serde_json::value::RawValue;
use signalr_server_protocol::Payloads;
use signalr_serverless::rest::Message;

use crate::error::Error;

const RECORD_SEPARATOR: char = '\u{1e}';

/// The message in the encoding of each protocol. If MessagePack cannot express the arguments, only
/// JSON clients get the message.
pub(crate) fn payloads(message: &Message, invocation_id: Option<&str>) -> Result<Payloads, Error> {
    #[derive(Deserialize)]
    struct Parts {
        target: String,
        arguments: Box<RawValue>,
    }
    let unwritable = |error: serde_json::Error| Error::Message(error.to_string());
    let text = serde_json::to_string(message).map_err(unwritable)?;
    let Parts { target, arguments } = serde_json::from_str(&text).map_err(unwritable)?;
    let id = match invocation_id {
        Some(id) => format!("\"invocationId\":{},", serde_json::to_string(id).map_err(unwritable)?),
        None => String::new(),
    };
    let name = serde_json::to_string(&target).map_err(unwritable)?;
    let json =
        format!("{{\"type\":1,{id}\"target\":{name},\"arguments\":{arguments}}}{RECORD_SEPARATOR}");
    let mut all = vec![("json".to_owned(), json.into())];
    if let Ok(arguments) = serde_json::from_str::<rmpv::Value>(arguments.get()) {
        all.push(("messagepack".to_owned(), message_pack(target, arguments, invocation_id).into()));
    }
    Ok(Payloads(all))
}

/// Names as texts of the protocol.
pub(crate) fn texts<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// An invocation with its length in front. Source: `HubProtocol.md` of ASP.NET Core.
fn message_pack(target: String, arguments: rmpv::Value, invocation_id: Option<&str>) -> Vec<u8> {
    use rmpv::Value;

    let id = invocation_id.map_or(Value::Nil, Value::from);
    let no_headers = Value::Map(Vec::new());
    let no_streams = Value::Array(Vec::new());
    let items = vec![1.into(), no_headers, id, target.into(), arguments, no_streams];
    let mut body = Vec::new();
    // Writing to a `Vec` never fails.
    let _ = rmpv::encode::write_value(&mut body, &Value::Array(items));
    let mut bytes = Vec::with_capacity(body.len().saturating_add(5));
    let mut left = body.len();
    while left > 0x7f {
        bytes.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes.extend(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_both_forms_and_json_is_kept_to_the_letter() {
        let arguments = RawValue::from_string("[1.0, \"x\"]".to_owned()).unwrap();
        let payloads = payloads(&Message::from_raw("m", arguments).unwrap(), None).unwrap();
        let json = "{\"type\":1,\"target\":\"m\",\"arguments\":[1.0, \"x\"]}\u{1e}";
        assert_eq!(payloads.get("json").unwrap(), json);
        let packed = payloads.get("messagepack").unwrap();
        assert_eq!(packed[..8], [19, 0x96, 1, 0x80, 0xc0, 0xa1, b'm', 0x92]);
    }
}
