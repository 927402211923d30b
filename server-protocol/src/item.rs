//! How each kind of item is read and written. A message names one of these modules for each of its
//! fields, or a type that has the same two functions.

use crate::{decode_error::DecodeError, items::Items, writer::Writer};

/// Required text.
pub(crate) mod text {
    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<String, DecodeError> {
        items.next(item)?;
        items.text(item)
    }

    pub(crate) fn write(text: &str, writer: &mut Writer) {
        writer.text(text);
    }
}

/// Required text that may be nil.
pub(crate) mod text_or_nil {
    use super::*;

    pub(crate) fn read(
        items: &mut Items,
        item: &'static str,
    ) -> Result<Option<String>, DecodeError> {
        items.next(item)?;
        items.text_or_nil(item)
    }

    pub(crate) fn write(text: &Option<String>, writer: &mut Writer) {
        writer.text_or_nil(text.as_deref());
    }
}

/// Text that may be nil or absent.
pub(crate) mod text_or_absent {
    pub(crate) use super::text_or_nil::write;
    use super::*;

    pub(crate) fn read(
        items: &mut Items,
        item: &'static str,
    ) -> Result<Option<String>, DecodeError> {
        if items.left() == 0 { Ok(None) } else { text_or_nil::read(items, item) }
    }
}

/// Required text; nil is read as an empty text.
pub(crate) mod text_nil_is_empty {
    pub(crate) use super::text::write;
    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<String, DecodeError> {
        Ok(text_or_nil::read(items, item)?.unwrap_or_default())
    }
}

/// Text; nil or absent is read as an empty text.
pub(crate) mod text_absent_is_empty {
    pub(crate) use super::text::write;
    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<String, DecodeError> {
        Ok(text_or_absent::read(items, item)?.unwrap_or_default())
    }
}

/// A required list of texts.
pub(crate) mod texts {
    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Vec<String>, DecodeError> {
        items.next(item)?;
        list(items, item)
    }

    /// Reads the list itself, at any place.
    pub(crate) fn list(items: &mut Items, item: &'static str) -> Result<Vec<String>, DecodeError> {
        let length = items.array_length(item)?;
        let mut texts = Vec::with_capacity(items.room_for(item, length, 1)?);
        for _ in 0..length {
            texts.push(items.text(item)?);
        }
        Ok(texts)
    }

    pub(crate) fn write(texts: &[String], writer: &mut Writer) {
        writer.array(texts.len());
        for text in texts {
            writer.text(text);
        }
    }
}

/// A list of texts; nil or absent is read as an empty list.
pub(crate) mod texts_or_absent {
    pub(crate) use super::texts::write;
    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Vec<String>, DecodeError> {
        if !items.next_if_any() || items.nil() { Ok(Vec::new()) } else { texts::list(items, item) }
    }
}

/// A required integer of 32 bits.
pub(crate) mod integer {
    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<i32, DecodeError> {
        items.next(item)?;
        items.integer(item)
    }

    pub(crate) fn write(value: &i32, writer: &mut Writer) {
        writer.integer(*value);
    }
}

/// An integer of 32 bits that may be nil or absent.
pub(crate) mod integer_or_absent {
    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Option<i32>, DecodeError> {
        if !items.next_if_any() || items.nil() { Ok(None) } else { items.integer(item).map(Some) }
    }

    pub(crate) fn write(value: &Option<i32>, writer: &mut Writer) {
        match value {
            Some(value) => writer.integer(*value),
            None => writer.nil(),
        }
    }
}

/// A boolean; absent is read as false.
pub(crate) mod boolean_or_absent {
    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<bool, DecodeError> {
        if items.next_if_any() { items.boolean(item) } else { Ok(false) }
    }

    pub(crate) fn write(value: &bool, writer: &mut Writer) {
        writer.boolean(*value);
    }
}

/// Required bytes; nil is read as empty.
pub(crate) mod binary {
    use bytes::Bytes;

    use super::*;

    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Bytes, DecodeError> {
        items.next(item)?;
        if items.nil() { Ok(Bytes::new()) } else { items.binary(item) }
    }

    pub(crate) fn write(bytes: &Bytes, writer: &mut Writer) {
        writer.binary(bytes);
    }
}

/// Bytes that may be nil or absent.
pub(crate) mod binary_or_absent {
    use bytes::Bytes;

    use super::*;

    pub(crate) fn read(
        items: &mut Items,
        item: &'static str,
    ) -> Result<Option<Bytes>, DecodeError> {
        if !items.next_if_any() || items.nil() { Ok(None) } else { items.binary(item).map(Some) }
    }

    pub(crate) fn write(bytes: &Option<Bytes>, writer: &mut Writer) {
        match bytes {
            Some(bytes) => writer.binary(bytes),
            None => writer.nil(),
        }
    }
}
