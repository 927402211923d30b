//! Messages to clients that another node has encoded in JSON, for clients of other encodings.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{json::RECORD_SEPARATOR, message_pack};

/// The fields of the messages that a service sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    r#type: u8,
    #[serde(borrow)]
    invocation_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    // An item may be `null`.
    #[serde(borrow, default, deserialize_with = "present")]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// A JSON hub message in MessagePack: an invocation, an item of a stream, or the end of a stream.
/// `None` if it is another message, or has no form in MessagePack.
pub(crate) fn to_message_pack(record: &[u8]) -> Option<Vec<u8>> {
    let message = record.strip_suffix(&[RECORD_SEPARATOR])?;
    let Fields { r#type, invocation_id, target, arguments, item, error } =
        serde_json::from_slice(message).ok()?;
    let id = invocation_id.as_deref();
    match r#type {
        1 => message_pack::invocation(&target?, arguments?, id),
        2 => message_pack::stream_item(id?, item?),
        3 => Some(message_pack::completion(id?, error.as_deref())),
        _ => None,
    }
}
