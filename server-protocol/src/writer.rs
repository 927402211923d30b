//! The items of one message, written one after the other.

use rmp::encode::{self, ByteBuf};

/// A message that is being written. Lengths are cut to 32 bits: a longer text or list makes the
/// message too long anyway, and that is reported at its end.
pub(crate) struct Writer(ByteBuf);

impl Writer {
    /// Makes a writer that appends to these bytes.
    pub(crate) fn behind(bytes: Vec<u8>) -> Self {
        Self(ByteBuf::from_vec(bytes))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_vec()
    }

    pub(crate) fn nil(&mut self) {
        let Ok(()) = encode::write_nil(&mut self.0);
    }

    pub(crate) fn text(&mut self, text: &str) {
        let Ok(()) = encode::write_str(&mut self.0, text);
    }

    pub(crate) fn text_or_nil(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.nil(),
        }
    }

    pub(crate) fn binary(&mut self, bytes: &[u8]) {
        let Ok(()) = encode::write_bin(&mut self.0, bytes);
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        let Ok(()) = encode::write_bool(&mut self.0, value);
    }

    /// An integer in its shortest form.
    pub(crate) fn integer(&mut self, value: i32) {
        let Ok(_) = encode::write_sint(&mut self.0, i64::from(value));
    }

    /// An integer in its shortest form.
    pub(crate) fn unsigned(&mut self, value: u64) {
        let Ok(_) = encode::write_uint(&mut self.0, value);
    }

    /// An integer, always in five bytes.
    pub(crate) fn wide_integer(&mut self, value: i32) {
        let Ok(()) = encode::write_i32(&mut self.0, value);
    }

    pub(crate) fn array(&mut self, length: usize) {
        let Ok(_) = encode::write_array_len(&mut self.0, cut(length));
    }

    pub(crate) fn map(&mut self, length: usize) {
        let Ok(_) = encode::write_map_len(&mut self.0, cut(length));
    }

    /// A value of an extension type of MessagePack.
    pub(crate) fn extension(&mut self, r#type: i8, bytes: &[u8]) {
        let Ok(_) = encode::write_ext_meta(&mut self.0, cut(bytes.len()), r#type);
        self.0.as_mut_vec().extend_from_slice(bytes);
    }
}

fn cut(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
