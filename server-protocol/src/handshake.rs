//! The first message of each side.

use crate::{
    decode_error::DecodeError,
    extensions::Extensions,
    item::{boolean_or_absent, integer, text_absent_is_empty, text_or_absent, text_or_nil},
    items::Items,
    message_table::message,
    number_table::numbers,
    writer::Writer,
};

/// The version of the protocol that this crate speaks.
pub const VERSION: i32 = 1;

/// The app's first message (number 1). Nothing may come before it.
///
/// Of a version other than [`VERSION`] only the version itself is read, since the rest may mean
/// something else; the other fields are those of [`HandshakeRequest::new`]. The service answers it
/// with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeRequest {
    /// The version of the protocol that the app speaks.
    pub version: i32,
    /// What the connection is for.
    pub kind: ConnectionKind,
    /// The instance of the service that asked for the connection. SDKs send the empty text, and
    /// name the instance in the URL.
    pub target: String,
    /// Whether the app's clients may be moved to another server.
    pub migration: MigrationLevel,
    /// The extensions.
    pub extensions: Extensions,
    /// Whether the app's clients may use stateful reconnect. Absent before 1.34.
    pub stateful_reconnect: bool,
}

numbers! {
    /// What a server connection is for.
    ConnectionKind written as integer {
        /// It carries clients.
        Default = 0,
        /// It carries clients, and was opened because the service asked for it.
        OnDemand = 1,
        /// It only sends: persistent mode. No clients are given to it.
        Weak = 2,
    }
}

numbers! {
    /// When the clients of an app server may be moved to another one.
    MigrationLevel written as integer {
        /// Never.
        Off = 0,
        /// When the app stops.
        Shutdown = 1,
        /// Whenever its connection is lost.
        Any = 2,
    }
}

impl HandshakeRequest {
    pub(crate) const NUMBER: u64 = 1;

    /// The request for a connection of this kind, without migration and stateful reconnect.
    pub fn new(kind: ConnectionKind) -> Self {
        Self {
            version: VERSION,
            kind,
            target: String::new(),
            migration: MigrationLevel::Off,
            extensions: Extensions::default(),
            stateful_reconnect: false,
        }
    }

    pub(crate) fn read(items: &mut Items) -> Result<Self, DecodeError> {
        let version = integer::read(items, "version")?;
        if version != VERSION {
            return Ok(Self { version, ..Self::new(ConnectionKind::Default) });
        }
        Ok(Self {
            version,
            kind: ConnectionKind::read(items, "kind")?,
            target: text_absent_is_empty::read(items, "target")?,
            migration: match items.left() {
                0 => MigrationLevel::Off,
                _ => MigrationLevel::read(items, "migration")?,
            },
            extensions: Extensions::read(items, "extensions")?,
            stateful_reconnect: boolean_or_absent::read(items, "stateful_reconnect")?,
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(7);
        writer.unsigned(Self::NUMBER);
        writer.integer(self.version);
        self.kind.write(writer);
        writer.text(&self.target);
        self.migration.write(writer);
        self.extensions.write(writer);
        boolean_or_absent::write(&self.stateful_reconnect, writer);
    }
}

message! {
    /// The service's first message, the answer to [`HandshakeRequest`].
    HandshakeResponse = 2 {
        /// Why the connection is refused. Nil and the empty text both accept it.
        error: Option<String> => text_or_nil,
        /// The extensions.
        extensions: Extensions => Extensions,
        /// What logs call the connection.
        connection_id: Option<String> => text_or_absent,
    }
}

impl HandshakeResponse {
    /// The answer that accepts.
    pub fn accepted() -> Self {
        Self::new(String::new())
    }

    /// The answer that refuses, with the reason.
    pub fn refused(error: impl Into<String>) -> Self {
        Self::new(error.into())
    }

    /// Whether the connection is accepted.
    pub fn is_accepted(&self) -> bool {
        self.error.as_ref().is_none_or(String::is_empty)
    }

    fn new(error: String) -> Self {
        Self { error: Some(error), extensions: Extensions::default(), connection_id: None }
    }
}
