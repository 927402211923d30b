//! HTTP headers of a client's request.

use crate::{decode_error::DecodeError, item::texts, items::Items, writer::Writer};

/// HTTP headers: names and their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, Vec<String>)>);

impl Headers {
    /// The first value of a header. The case of the name does not matter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, values) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        values.first().map(String::as_str)
    }

    /// Reads the headers. They are empty if the item is absent.
    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Self, DecodeError> {
        if !items.next_if_any() {
            return Ok(Self::default());
        }
        let length = items.map_length(item)?;
        let mut headers = Vec::with_capacity(items.room_for(item, length, 2)?);
        for _ in 0..length {
            headers.push((items.text(item)?, texts::list(items, item)?));
        }
        Ok(Self(headers))
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(self.0.len());
        for (name, values) in &self.0 {
            writer.text(name);
            texts::write(values, writer);
        }
    }
}
