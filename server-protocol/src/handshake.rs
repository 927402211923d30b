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

/// The app's first message (number 1). It must come first.
///
/// If the version differs from [`VERSION`], only the version itself is read, because the rest may
/// have another meaning. The other fields then have the values of [`HandshakeRequest::new`]. The
/// service answers such a request with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeRequest {
    /// The version of the protocol that the app speaks.
    pub version: i32,
    /// The purpose of the connection.
    pub kind: ConnectionKind,
    /// The instance of the service that asked for the connection. SDKs send an empty text here and
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
    /// The purpose of a server connection.
    ConnectionKind written as integer {
        /// The connection carries clients.
        Default = 0,
        /// The connection carries clients. It was opened because the service asked for it.
        OnDemand = 1,
        /// The connection only sends (persistent mode). It carries no clients.
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
        /// Whenever the app's connection is lost.
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
        /// The reason why the connection is refused. Nil and an empty text both mean that it is
        /// accepted.
        error: Option<String> => text_or_nil,
        /// The extensions.
        extensions: Extensions => Extensions,
        /// The id of the connection in logs.
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
