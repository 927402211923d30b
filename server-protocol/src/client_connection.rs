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
        /// The headers of the client's request, and notes of the service.
        headers: Headers => Headers,
        /// The client's query, with its `?`.
        query: String => text_absent_is_empty,
        /// The extensions. Without `protocol` the app drops the client.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// A client is gone (from the service), or the app ends it.
    CloseConnection = 5 {
        /// The client's connection id.
        connection_id: String => text,
        /// Why; empty if there is no error.
        error: String => text_nil_is_empty,
        /// Notes of the service when a client moves to another server.
        headers: Headers => Headers,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Bytes of a client, or for it, in order.
    ConnectionData = 6 {
        /// The client's connection id.
        connection_id: String => text,
        /// Bytes of the client's hub protocol, cut anywhere.
        payload: Bytes => binary,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// A client with stateful reconnect is back (from the service).
    ConnectionReconnect = 38 {
        /// The client's connection id.
        connection_id: String => text,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Who may send to whom.
    ConnectionFlowControl = 39 {
        /// The client's connection id, or the `cid` of a server connection.
        id: String => text,
        /// What the id names.
        of: FlowControlled => FlowControlled,
        /// What happens.
        operation: FlowOperation => FlowOperation,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

numbers! {
    /// What [`ConnectionFlowControl`] is about. SDKs write five bytes for it.
    FlowControlled written as wide_integer {
        /// A client's connection.
        Client = 1,
        /// A server connection.
        Server = 2,
    }
}

numbers! {
    /// What [`ConnectionFlowControl`] does. SDKs write five bytes for it.
    FlowOperation written as wide_integer {
        /// The service asks the app to hold a client's data back.
        Pause = 1,
        /// The app has held it.
        PauseAck = 2,
        /// The app may go on, on the connection that this came by.
        Resume = 3,
        /// The app sends nothing more by this server connection.
        Offline = 4,
    }
}
