//! Messages by which the app closes clients, with an ack. Current SDKs close one client by
//! [`CloseConnection`](crate::CloseConnection).

use crate::{
    extensions::Extensions,
    item::{integer, text, text_or_nil, texts},
    message_table::message,
};

message! {
    /// Closes one client.
    CloseConnectionWithAck = 30 {
        /// The client's connection id.
        connection_id: String => text,
        /// The error text for the client.
        reason: Option<String> => text_or_nil,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Closes all clients of the hub.
    CloseConnectionsWithAck = 31 {
        /// The error text for the clients.
        reason: Option<String> => text_or_nil,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// Connection ids of clients that stay.
        excluded: Vec<String> => texts,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Closes all clients of a user.
    CloseUserConnectionsWithAck = 32 {
        /// The user's id.
        user_id: String => text,
        /// The error text for the clients.
        reason: Option<String> => text_or_nil,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// Connection ids of clients that stay.
        excluded: Vec<String> => texts,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Closes all clients of a group.
    CloseGroupConnectionsWithAck = 33 {
        /// The group's name.
        group: String => text,
        /// The error text for the clients.
        reason: Option<String> => text_or_nil,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// Connection ids of clients that stay.
        excluded: Vec<String> => texts,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
