//! Text that must not appear in any log.

use std::fmt;

use crate::{
    decode_error::DecodeError,
    item::{text, text_or_nil},
    items::Items,
    writer::Writer,
};

/// A token or key. Its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl Secret {
    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Self, DecodeError> {
        text::read(items, item).map(Self)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.text(&self.0);
    }
}

/// A required secret that may be nil.
pub(crate) mod secret_or_nil {
    use super::*;

    pub(crate) fn read(
        items: &mut Items,
        item: &'static str,
    ) -> Result<Option<Secret>, DecodeError> {
        Ok(text_or_nil::read(items, item)?.map(Secret))
    }

    pub(crate) fn write(secret: &Option<Secret>, writer: &mut Writer) {
        match secret {
            Some(secret) => secret.write(writer),
            None => writer.nil(),
        }
    }
}
