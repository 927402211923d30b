//! Questions of the app that an ack answers: status 1 is yes, 2 is no.

use crate::{
    extensions::Extensions,
    item::{integer, text},
    message_table::message,
};

message! {
    /// Asks whether a user is in a group.
    CheckUserInGroupWithAck = 21 {
        /// The user's id.
        user_id: String => text,
        /// The group's name.
        group: String => text,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Asks whether a group has any connection.
    CheckGroupExistenceWithAck = 23 {
        /// The group's name.
        group: String => text,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Asks whether a connection exists.
    CheckConnectionExistenceWithAck = 24 {
        /// The client's connection id.
        connection_id: String => text,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Asks whether a user has any connection.
    CheckUserExistenceWithAck = 25 {
        /// The user's id.
        user_id: String => text,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
