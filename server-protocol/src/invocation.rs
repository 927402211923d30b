//! Client results: a hub invokes a client's method and waits for the result.

use bytes::Bytes;

use crate::{
    decode_error::DecodeError,
    extensions::Extensions,
    item::{binary, text},
    items::Items,
    message_table::message,
    payloads::Payloads,
    writer::Writer,
};

message! {
    /// From the app: invokes a method of a client. From the service: invokes a client of this app
    /// for another app.
    ClientInvocation = 34 {
        /// The id of the invocation, which the hub chose.
        invocation_id: String => text,
        /// The client's connection id.
        connection_id: String => text,
        /// The id of the server that invokes.
        caller_server_id: String => text,
        /// The invocation.
        payloads: Payloads => Payloads,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

/// A client's answer (number 35). If it comes from an app with an empty payload, the app has the
/// answer and the service ends the invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCompletion {
    /// The id of the invocation.
    pub invocation_id: String,
    /// The client's connection id.
    pub connection_id: String,
    /// The id of the server that answers.
    pub server_id: String,
    /// The encoding of the payload, such as `json`. It is written twice, as SDKs do: as an item and
    /// as the extension `protocol`.
    pub encoding: String,
    /// The completion, in that encoding.
    pub payload: Bytes,
    /// The extensions. Their `protocol` is neither read nor written, because `encoding` has it.
    pub extensions: Extensions,
}

impl ClientCompletion {
    pub(crate) const NUMBER: u64 = 35;

    pub(crate) fn read(items: &mut Items) -> Result<Self, DecodeError> {
        Ok(Self {
            invocation_id: text::read(items, "invocation_id")?,
            connection_id: text::read(items, "connection_id")?,
            server_id: text::read(items, "server_id")?,
            encoding: text::read(items, "encoding")?,
            payload: binary::read(items, "payload")?,
            extensions: Extensions { protocol: None, ..Extensions::read(items, "extensions")? },
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(7);
        writer.unsigned(Self::NUMBER);
        writer.text(&self.invocation_id);
        writer.text(&self.connection_id);
        writer.text(&self.server_id);
        writer.text(&self.encoding);
        writer.binary(&self.payload);
        Extensions { protocol: Some(self.encoding.clone()), ..self.extensions.clone() }
            .write(writer);
    }
}

message! {
    /// An answer that is an error: the client does not exist, has gone, or took too long.
    ErrorCompletion = 36 {
        /// The id of the invocation.
        invocation_id: String => text,
        /// The client's connection id.
        connection_id: String => text,
        /// The id of the server that answers.
        server_id: String => text,
        /// The text of the error.
        error: String => text,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// From the service: the instance of the service that has the invoked client.
    ServiceMapping = 37 {
        /// The id of the invocation.
        invocation_id: String => text,
        /// The client's connection id.
        connection_id: String => text,
        /// The instance of the service.
        instance_id: String => text,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
