//! One hub message, encoded for clients of each protocol.

use bytes::Bytes;

use crate::{decode_error::DecodeError, items::Items, writer::Writer};

/// A hub message in each encoding that the app has: names such as `json` and `messagepack`, and the
/// bytes for a client that uses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payloads(pub Vec<(String, Bytes)>);

impl Payloads {
    /// The bytes for clients of an encoding.
    pub fn get(&self, encoding: &str) -> Option<&Bytes> {
        self.0.iter().find(|(name, _)| name == encoding).map(|(_, bytes)| bytes)
    }

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Self, DecodeError> {
        items.next(item)?;
        let length = items.map_length(item)?;
        let mut payloads = Vec::with_capacity(items.room_for(item, length, 2)?);
        for _ in 0..length {
            payloads.push((items.text(item)?, items.binary(item)?));
        }
        Ok(Self(payloads))
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(self.0.len());
        for (encoding, bytes) in &self.0 {
            writer.text(encoding);
            writer.binary(bytes);
        }
    }
}
