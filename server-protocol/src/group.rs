//! Messages by which the app puts connections into groups.

use crate::{
    extensions::Extensions,
    item::{integer, text, text_or_nil},
    message_table::message,
};

message! {
    /// Adds a connection to a group, without an answer. Current SDKs ask for an ack.
    JoinGroup = 11 {
        /// The client's connection id.
        connection_id: String => text,
        /// The group's name.
        group: String => text,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Removes a connection from a group, without an answer. Current SDKs ask for an ack.
    LeaveGroup = 12 {
        /// The client's connection id.
        connection_id: String => text,
        /// The group's name; nil means all groups.
        group: Option<String> => text_or_nil,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Adds a connection to a group.
    JoinGroupWithAck = 18 {
        /// The client's connection id.
        connection_id: String => text,
        /// The group's name.
        group: String => text,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Removes a connection from a group.
    LeaveGroupWithAck = 19 {
        /// The client's connection id.
        connection_id: String => text,
        /// The group's name; nil means all groups.
        group: Option<String> => text_or_nil,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
