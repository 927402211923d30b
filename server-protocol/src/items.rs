//! The items of one message, read one after the other.

use bytes::{Buf, Bytes};
use rmp::{
    Marker,
    decode::{self, NumValueReadError, ValueReadError},
};

use crate::{
    decode_error::{DecodeError, Problem},
    kind::{Kind, kind_of},
};

/// The rest of a message that is being read.
pub(crate) struct Items {
    message: &'static str,
    bytes: Bytes,
    /// How many items of the message's array are still unread.
    left: u32,
}

impl Items {
    /// Reads the head of a message, which is an array.
    pub(crate) fn of_message(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut items = Self { message: "a message", bytes, left: 0 };
        items.left = items.array_length("the whole")?;
        Ok(items)
    }

    /// Reads one single value, such as the payload of an ack.
    pub(crate) fn of_value(name: &'static str, bytes: Bytes) -> Self {
        Self { message: name, bytes, left: 1 }
    }

    /// From here on errors name this message.
    pub(crate) fn name(&mut self, message: &'static str) {
        self.message = message;
    }

    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// Moves to the next item, which is required.
    pub(crate) fn next(&mut self, item: &'static str) -> Result<(), DecodeError> {
        if self.next_if_any() { Ok(()) } else { Err(self.error(item, Problem::Missing)) }
    }

    /// Moves to the next item if there is one.
    pub(crate) fn next_if_any(&mut self) -> bool {
        let any = self.left > 0;
        self.left = self.left.saturating_sub(1);
        any
    }

    /// Takes a nil, if the next value is one.
    pub(crate) fn nil(&mut self) -> bool {
        let nil = self.marker() == Some(Marker::Null);
        if nil {
            self.bytes.advance(1);
        }
        nil
    }

    pub(crate) fn text(&mut self, item: &'static str) -> Result<String, DecodeError> {
        let length = self.value(item, "text", |bytes| decode::read_str_len(bytes))?;
        let bytes = self.take(item, length)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| self.error(item, Problem::NotUtf8))?;
        Ok(text.to_owned())
    }

    pub(crate) fn text_or_nil(
        &mut self,
        item: &'static str,
    ) -> Result<Option<String>, DecodeError> {
        if self.nil() { Ok(None) } else { self.text(item).map(Some) }
    }

    /// Bytes, in the memory of the message. Text is accepted too, as in Microsoft's reader.
    pub(crate) fn binary(&mut self, item: &'static str) -> Result<Bytes, DecodeError> {
        let length = match self.marker().map(kind_of) {
            Some(Kind::Text) => self.value(item, "binary", |bytes| decode::read_str_len(bytes))?,
            _ => self.value(item, "binary", |bytes| decode::read_bin_len(bytes))?,
        };
        self.take(item, length)
    }

    pub(crate) fn boolean(&mut self, item: &'static str) -> Result<bool, DecodeError> {
        self.value(item, "a boolean", |bytes| decode::read_bool(bytes))
    }

    /// An integer of any width that fits into 32 bits.
    pub(crate) fn integer(&mut self, item: &'static str) -> Result<i32, DecodeError> {
        self.number(item, |bytes| decode::read_int(bytes))
    }

    /// An integer of any width that is 0 or more.
    pub(crate) fn unsigned(&mut self, item: &'static str) -> Result<u64, DecodeError> {
        self.number(item, |bytes| decode::read_int(bytes))
    }

    pub(crate) fn array_length(&mut self, item: &'static str) -> Result<u32, DecodeError> {
        self.value(item, "an array", |bytes| decode::read_array_len(bytes))
    }

    /// The head of a list that has at least `least` items.
    pub(crate) fn list_of(&mut self, item: &'static str, least: u32) -> Result<u32, DecodeError> {
        let length = self.array_length(item)?;
        if length < least { Err(self.error(item, Problem::Missing)) } else { Ok(length) }
    }

    pub(crate) fn map_length(&mut self, item: &'static str) -> Result<u32, DecodeError> {
        self.value(item, "a map", |bytes| decode::read_map_len(bytes))
    }

    /// The number of items to allocate for a list whose items take at least `least` bytes each. A
    /// list that cannot be complete is refused before anything is allocated.
    pub(crate) fn room_for(
        &self,
        item: &'static str,
        length: u32,
        least: usize,
    ) -> Result<usize, DecodeError> {
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len() / least => Ok(length),
            _ => Err(self.error(item, Problem::Cut)),
        }
    }

    /// A value of an extension type of MessagePack: the type and its bytes.
    pub(crate) fn extension(&mut self, item: &'static str) -> Result<(i8, Bytes), DecodeError> {
        let head = self.value(item, "an extension type", |bytes| decode::read_ext_meta(bytes))?;
        Ok((head.typeid, self.take(item, head.size)?))
    }

    /// Skips a value of any kind and depth. The values inside are counted, so that depth needs no
    /// memory.
    pub(crate) fn skip(&mut self, item: &'static str) -> Result<(), DecodeError> {
        let mut values = 1_u64;
        while values > 0 {
            let inside = self.skip_head(item)?;
            values = (values - 1).saturating_add(inside);
        }
        Ok(())
    }

    /// Skips the head of a value. Returns how many values are inside it.
    fn skip_head(&mut self, item: &'static str) -> Result<u64, DecodeError> {
        let Some(marker) = self.marker() else { return Err(self.error(item, Problem::Cut)) };
        match kind_of(marker) {
            Kind::Nil => _ = self.nil(),
            Kind::Boolean => _ = self.boolean(item)?,
            Kind::Integer => _ = self.number::<i128>(item, |bytes| decode::read_int(bytes))?,
            Kind::Float => self.skip_float(item, marker)?,
            Kind::Text | Kind::Binary => _ = self.binary(item)?,
            Kind::Extension => _ = self.extension(item)?,
            Kind::Array => return Ok(self.array_length(item)?.into()),
            Kind::Map => return Ok(2 * u64::from(self.map_length(item)?)),
            Kind::Reserved => {
                return Err(
                    self.error(item, Problem::Kind { expected: "a value", came: Kind::Reserved })
                );
            }
        }
        Ok(0)
    }

    fn skip_float(&mut self, item: &'static str, marker: Marker) -> Result<(), DecodeError> {
        if marker == Marker::F32 {
            self.value(item, "a float", |bytes| decode::read_f32(bytes)).map(drop)
        } else {
            self.value(item, "a float", |bytes| decode::read_f64(bytes)).map(drop)
        }
    }

    pub(crate) fn error(&self, item: &'static str, problem: Problem) -> DecodeError {
        DecodeError::new(self.message, item, problem)
    }

    fn marker(&self) -> Option<Marker> {
        self.bytes.first().map(|byte| Marker::from_u8(*byte))
    }

    fn take(&mut self, item: &'static str, length: u32) -> Result<Bytes, DecodeError> {
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len() => Ok(self.bytes.split_to(length)),
            _ => Err(self.error(item, Problem::Cut)),
        }
    }

    fn value<T>(
        &mut self,
        item: &'static str,
        expected: &'static str,
        read: impl FnOnce(&mut &[u8]) -> Result<T, ValueReadError>,
    ) -> Result<T, DecodeError> {
        let mut rest = &self.bytes[..];
        match read(&mut rest) {
            Ok(value) => {
                self.bytes.advance(self.bytes.len().saturating_sub(rest.len()));
                Ok(value)
            }
            Err(ValueReadError::TypeMismatch(marker)) => {
                Err(self.error(item, Problem::Kind { expected, came: kind_of(marker) }))
            }
            // Reading a slice fails only at its end.
            Err(ValueReadError::InvalidMarkerRead(_) | ValueReadError::InvalidDataRead(_)) => {
                Err(self.error(item, Problem::Cut))
            }
        }
    }

    fn number<T>(
        &mut self,
        item: &'static str,
        read: impl FnOnce(&mut &[u8]) -> Result<T, NumValueReadError>,
    ) -> Result<T, DecodeError> {
        let number = self.value(item, "an integer", |bytes| {
            read(bytes).map(Some).or_else(|error| match error {
                NumValueReadError::OutOfRange => Ok(None),
                NumValueReadError::TypeMismatch(marker) => {
                    Err(ValueReadError::TypeMismatch(marker))
                }
                NumValueReadError::InvalidMarkerRead(error) => {
                    Err(ValueReadError::InvalidMarkerRead(error))
                }
                NumValueReadError::InvalidDataRead(error) => {
                    Err(ValueReadError::InvalidDataRead(error))
                }
            })
        })?;
        number.ok_or_else(|| self.error(item, Problem::Range))
    }
}
