//! The extensions of a message: a map whose keys are numbers. Nearly every message can have it
//! after its items.

use crate::{decode_error::DecodeError, items::Items, writer::Writer};

/// The extensions of a message. Each belongs only to some messages, but a reader accepts it in any
/// message. Unknown extensions are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// The id of this message in logs. SDKs send it if the service switched messaging logs on.
    pub tracing_id: Option<u64>,
    /// How long a user stays in a group, in seconds.
    pub ttl: Option<i32>,
    /// The name of the client's hub protocol, such as `json`; in [`OpenConnection`].
    ///
    /// [`OpenConnection`]: crate::OpenConnection
    pub protocol: Option<String>,
    /// A filter of the recipients, in the form of the REST API.
    pub filter: Option<String>,
    /// The type of the bytes of [`ConnectionData`].
    ///
    /// [`ConnectionData`]: crate::ConnectionData
    pub data_type: Option<DataType>,
    /// Whether more bytes of the same message follow; in [`ConnectionData`].
    ///
    /// [`ConnectionData`]: crate::ConnectionData
    pub partial: bool,
}

/// The type of the bytes for a client, in terms of the hub protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// The answer to the client's handshake.
    Handshake = 1,
    /// An invocation, a completion or an item of a stream.
    Invocation = 2,
    /// Anything else, such as a ping.
    Other = 3,
    /// The close message.
    Close = 4,
}

impl DataType {
    /// `None` for a type of a later version, because nothing depends on the type.
    fn from_number(number: u64) -> Option<Self> {
        [Self::Handshake, Self::Invocation, Self::Other, Self::Close]
            .into_iter()
            .find(|data_type| *data_type as u64 == number)
    }
}

const TRACING_ID: i32 = 1;
const TTL: i32 = 2;
const PROTOCOL: i32 = 3;
const FILTER: i32 = 4;
const DATA_TYPE: i32 = 5;
const PARTIAL: i32 = 6;

impl Extensions {
    /// Reads the extensions. They are empty if the item is nil or absent.
    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Self, DecodeError> {
        let mut extensions = Self::default();
        if !items.next_if_any() || items.nil() {
            return Ok(extensions);
        }
        for _ in 0..items.map_length(item)? {
            let key = items.integer(item)?;
            if items.nil() {
                continue;
            }
            match key {
                TRACING_ID => extensions.tracing_id = Some(items.unsigned("tracing_id")?),
                TTL => extensions.ttl = Some(items.integer("ttl")?),
                PROTOCOL => extensions.protocol = Some(items.text("protocol")?),
                FILTER => extensions.filter = Some(items.text("filter")?),
                DATA_TYPE => {
                    extensions.data_type = DataType::from_number(items.unsigned("data_type")?);
                }
                PARTIAL => extensions.partial = items.boolean("partial")?,
                _ => items.skip(item)?,
            }
        }
        Ok(extensions)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let present = [
            self.tracing_id.is_some(),
            self.ttl.is_some(),
            self.protocol.is_some(),
            self.filter.is_some(),
            self.data_type.is_some(),
            self.partial,
        ];
        writer.map(present.into_iter().filter(|present| *present).count());
        if let Some(tracing_id) = self.tracing_id {
            writer.integer(TRACING_ID);
            writer.unsigned(tracing_id);
        }
        if let Some(ttl) = self.ttl {
            writer.integer(TTL);
            writer.integer(ttl);
        }
        for (key, text) in [(PROTOCOL, &self.protocol), (FILTER, &self.filter)] {
            if let Some(text) = text {
                writer.integer(key);
                writer.text(text);
            }
        }
        if let Some(data_type) = self.data_type {
            writer.integer(DATA_TYPE);
            writer.integer(data_type as i32);
        }
        if self.partial {
            writer.integer(PARTIAL);
            writer.boolean(true);
        }
    }
}
