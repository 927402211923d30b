//! The connection of one client, as the app sees it.

use bytes::Bytes;

use crate::{
    claims::Claims,
    extensions::Extensions,
    headers::Headers,
    item::{binary, text, text_absent_is_empty, text_nil_is_empty},
    message_table::message,
    number_table::numbers,
};

message! {
    /// The service gives a client to this server connection.
    OpenConnection = 4 {
        /// The client's connection id.
        connection_id: String => text,
        /// All claims of the client's token.
        claims: Claims => Claims,
        /// The headers of the client's request, and notes from the service.
        headers: Headers => Headers,
        /// The client's query, with its `?`.
        query: String => text_absent_is_empty,
        /// The extensions. Without `protocol` the app drops the client.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// From the service: a client is gone. From the app: a client must be closed.
    CloseConnection = 5 {
        /// The client's connection id.
        connection_id: String => text,
        /// The reason; empty if there is no error.
        error: String => text_nil_is_empty,
        /// Notes from the service when a client moves to another server.
        headers: Headers => Headers,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Bytes from a client or for a client, in order.
    ConnectionData = 6 {
        /// The client's connection id.
        connection_id: String => text,
        /// Bytes of the client's hub protocol. They may be cut anywhere.
        payload: Bytes => binary,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// From the service: a client with stateful reconnect is back.
    ConnectionReconnect = 38 {
        /// The client's connection id.
        connection_id: String => text,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Pauses and resumes sending.
    ConnectionFlowControl = 39 {
        /// The client's connection id, or the `cid` of a server connection.
        id: String => text,
        /// The kind of connection that the id names.
        of: FlowControlled => FlowControlled,
        /// The operation.
        operation: FlowOperation => FlowOperation,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

numbers! {
    /// The kind of connection that [`ConnectionFlowControl`] is about. SDKs write five bytes for
    /// it.
    FlowControlled written as wide_integer {
        /// A client's connection.
        Client = 1,
        /// A server connection.
        Server = 2,
    }
}

numbers! {
    /// The operation of a [`ConnectionFlowControl`]. SDKs write five bytes for it.
    FlowOperation written as wide_integer {
        /// The service asks the app to hold back a client's data.
        Pause = 1,
        /// The app holds the data back now.
        PauseAck = 2,
        /// The app may continue on the connection that this message came on.
        Resume = 3,
        /// The app sends nothing more on this server connection.
        Offline = 4,
    }
}
