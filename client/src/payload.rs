//! Arguments, items and results, in the encoding of their connection.

use base64::{Engine, engine::general_purpose::STANDARD};
use rmpv::Value as Binary;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::encoding::Protocol;

/// The arguments of a call, an item of a stream, or a result. It is decoded only by
/// [`read`](Self::read).
///
/// ```no_run
/// # fn example(payload: signalr_client::Payload) -> Result<(), signalr_client::PayloadError> {
/// let (name, count): (String, u32) = payload.read()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Payload(Encoded);

#[derive(Clone, Debug)]
enum Encoded {
    Json(Box<RawValue>),
    MessagePack(Vec<u8>),
}

/// A value that cannot be encoded, or cannot be read as the type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PayloadError(String);

impl Payload {
    pub(crate) fn json(json: Box<RawValue>) -> Self {
        Self(Encoded::Json(json))
    }

    pub(crate) fn message_pack(bytes: Vec<u8>) -> Self {
        Self(Encoded::MessagePack(bytes))
    }

    /// Encodes a value for a connection of this protocol.
    pub(crate) fn encode(
        protocol: Protocol,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Self, PayloadError> {
        match protocol {
            Protocol::Json => to_raw_value(value).map(Self::json).map_err(|e| e.to_string()),
            Protocol::MessagePack => {
                rmp_serde::to_vec_named(value).map(Self::message_pack).map_err(|e| e.to_string())
            }
        }
        .map_err(PayloadError)
    }

    /// Encodes arguments, which must be an array or a tuple; `()` stands for none.
    pub(crate) fn arguments(
        protocol: Protocol,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Self, PayloadError> {
        let encoded = Self::encode(protocol, value)?;
        match &encoded.0 {
            Encoded::Json(json) if json.get() == "null" => Self::encode(protocol, &[(); 0]),
            Encoded::MessagePack(bytes) if bytes == b"\xc0" => Self::encode(protocol, &[(); 0]),
            Encoded::Json(json) if json.get().starts_with('[') => Ok(encoded),
            Encoded::MessagePack(bytes)
                if matches!(bytes.first(), Some(0x90..=0x9f | 0xdc | 0xdd)) =>
            {
                Ok(encoded)
            }
            _ => Err(PayloadError(
                "the arguments are no array; use a tuple or a slice with one element for each"
                    .to_owned(),
            )),
        }
    }

    pub(crate) fn as_json(&self) -> Option<&RawValue> {
        match &self.0 {
            Encoded::Json(json) => Some(json),
            Encoded::MessagePack(_) => None,
        }
    }

    pub(crate) fn as_message_pack(&self) -> &[u8] {
        match &self.0 {
            Encoded::MessagePack(bytes) => bytes,
            // Nil, so that a message stays whole.
            Encoded::Json(_) => b"\xc0",
        }
    }

    /// The value as a type of the caller.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if it is of another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        match &self.0 {
            Encoded::Json(json) => serde_json::from_str(json.get()).map_err(|e| e.to_string()),
            Encoded::MessagePack(bytes) => rmp_serde::from_slice(bytes).map_err(|e| e.to_string()),
        }
        .map_err(PayloadError)
    }

    /// The value as JSON. Bytes of MessagePack become base64.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if it has no JSON form, such as an extension of MessagePack.
    pub fn to_json(&self) -> Result<Value, PayloadError> {
        match &self.0 {
            Encoded::Json(_) => self.read(),
            Encoded::MessagePack(bytes) => {
                let value = rmpv::decode::read_value(&mut bytes.as_slice())
                    .map_err(|error| PayloadError(error.to_string()))?;
                json_of(value)
            }
        }
    }

    /// How many bytes the received value takes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        match &self.0 {
            Encoded::Json(json) => json.get().len(),
            Encoded::MessagePack(bytes) => bytes.len(),
        }
    }
}

fn json_of(value: Binary) -> Result<Value, PayloadError> {
    Ok(match value {
        Binary::Binary(bytes) => Value::String(STANDARD.encode(bytes)),
        Binary::Array(values) => {
            Value::Array(values.into_iter().map(json_of).collect::<Result<_, _>>()?)
        }
        Binary::Map(pairs) => {
            let pair = |(key, value): (Binary, Binary)| {
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                Ok((key, json_of(value)?))
            };
            Value::Object(pairs.into_iter().map(pair).collect::<Result<_, _>>()?)
        }
        Binary::Ext(kind, _) => {
            return Err(PayloadError(format!("the MessagePack extension {kind} has no JSON form")));
        }
        other => serde_json::to_value(other).map_err(|error| PayloadError(error.to_string()))?,
    })
}
