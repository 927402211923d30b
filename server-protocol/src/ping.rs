//! Pings: the keep-alive, and short notes from both sides.

use crate::{decode_error::DecodeError, items::Items, writer::Writer};

/// A ping (number 3): any number of texts, which are alternately keys and values. A ping without
/// texts only shows that the sender is alive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ping {
    /// The texts, some of which may be nil.
    pub texts: Vec<Option<String>>,
}

impl Ping {
    pub(crate) const NUMBER: u64 = 3;

    /// A ping without a note.
    pub fn keep_alive() -> Self {
        Self::default()
    }

    /// A ping with one note.
    ///
    /// ```
    /// use signalr_server_protocol::Ping;
    /// assert_eq!(Ping::note("shutdown", "finack").value("shutdown"), Some("finack"));
    /// ```
    pub fn note(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { texts: vec![Some(key.into()), Some(value.into())] }
    }

    /// The value of a key. `None` if the key is absent, or its value is nil or absent.
    pub fn value(&self, key: &str) -> Option<&str> {
        let pairs = self.texts.chunks(2);
        let mut found = pairs.filter(|pair| pair.first().and_then(Option::as_deref) == Some(key));
        found.next()?.get(1)?.as_deref()
    }

    pub(crate) fn read(items: &mut Items) -> Result<Self, DecodeError> {
        let mut texts = Vec::with_capacity(items.room_for("texts", items.left(), 1)?);
        while items.next_if_any() {
            texts.push(items.text_or_nil("texts")?);
        }
        Ok(Self { texts })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(self.texts.len().saturating_add(1));
        writer.unsigned(Self::NUMBER);
        for text in &self.texts {
            writer.text_or_nil(text.as_deref());
        }
    }
}
