//! Claims of a client's token.

use bytes::Bytes;

use crate::{decode_error::DecodeError, items::Items, writer::Writer};

/// Claims: types and values. A type may be there several times, for example with two roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims(pub Vec<(String, String)>);

impl Claims {
    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Self, DecodeError> {
        items.next(item)?;
        Self::map(items, item)
    }

    fn map(items: &mut Items, item: &'static str) -> Result<Self, DecodeError> {
        let length = items.map_length(item)?;
        let mut claims = Vec::with_capacity(items.room_for(item, length, 2)?);
        for _ in 0..length {
            claims.push((items.text(item)?, items.text(item)?));
        }
        Ok(Self(claims))
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(self.0.len());
        for (r#type, value) in &self.0 {
            writer.text(r#type);
            writer.text(value);
        }
    }
}

/// The payload of the ack to [`GetConnectionClaims`] and [`RefreshAuth`]: the claims for a client's
/// new token, if there are any.
///
/// [`GetConnectionClaims`]: crate::GetConnectionClaims
/// [`RefreshAuth`]: crate::RefreshAuth
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionClaims(pub Option<Claims>);

impl ConnectionClaims {
    /// Reads the payload of an ack.
    pub fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        let mut items = Items::of_value("ConnectionClaims", payload);
        if items.nil() {
            Ok(Self(None))
        } else {
            Claims::map(&mut items, "claims").map(Some).map(Self)
        }
    }

    /// Writes the payload of an ack.
    pub fn encode(&self) -> Bytes {
        let mut writer = Writer::behind(Vec::new());
        match &self.0 {
            Some(claims) => claims.write(&mut writer),
            None => writer.nil(),
        }
        writer.into_bytes().into()
    }
}
