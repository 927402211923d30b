//! Numbers, texts and bytes as they are written in frames: little endian, with the length before
//! each text or byte string. Values that are read share the bytes of the frame.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes that do not have the form of their kind of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame that cannot be read")]
pub(crate) struct Malformed;

/// Reads what a [`Writer`] wrote, from the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Reader(Bytes);

impl Reader {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.0.try_get_u8().map_err(|_| Malformed)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.0.try_get_u16_le().map_err(|_| Malformed)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.0.try_get_u32_le().map_err(|_| Malformed)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.0.try_get_u64_le().map_err(|_| Malformed)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let length = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        if length > self.0.len() {
            return Err(Malformed);
        }
        Ok(self.0.split_to(length))
    }

    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        let bytes = self.bytes()?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| Malformed)
    }

    /// A name. It is checked in the same way as a name from a caller.
    pub(crate) fn name<T: std::str::FromStr>(&mut self) -> Result<T, Malformed> {
        let bytes = self.bytes()?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Malformed)?;
        text.parse().map_err(|_| Malformed)
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        self.flag()?.then(|| read(self)).transpose()
    }

    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.u32()?;
        // Memory is used only for items that exist. The count in the frame is not trusted.
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    /// Whether nothing remains.
    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// All remaining bytes.
    pub(crate) fn rest(self) -> Bytes {
        self.0
    }
}

/// Writes what a [`Reader`] reads.
#[derive(Debug, Default)]
pub(crate) struct Writer(BytesMut);

impl Writer {
    /// A writer that needs no more memory for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(BytesMut::with_capacity(bytes))
    }

    pub(crate) fn u8(&mut self, number: u8) -> &mut Self {
        self.0.put_u8(number);
        self
    }

    pub(crate) fn u16(&mut self, number: u16) -> &mut Self {
        self.0.put_u16_le(number);
        self
    }

    pub(crate) fn u32(&mut self, number: u32) -> &mut Self {
        self.0.put_u32_le(number);
        self
    }

    pub(crate) fn u64(&mut self, number: u64) -> &mut Self {
        self.0.put_u64_le(number);
        self
    }

    pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
        self.u8(u8::from(flag))
    }

    /// Bytes of at most 4 GiB. No message is as large.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.u32(length).raw(&bytes[..length as usize])
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn option<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T),
    ) -> &mut Self {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
        self
    }

    pub(crate) fn list<T>(
        &mut self,
        items: &[T],
        mut write: impl FnMut(&mut Self, &T),
    ) -> &mut Self {
        self.u32(u32::try_from(items.len()).unwrap_or(u32::MAX));
        items.iter().for_each(|item| write(self, item));
        self
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.put_slice(bytes);
        self
    }

    pub(crate) fn finish(self) -> Bytes {
        self.0.freeze()
    }
}
