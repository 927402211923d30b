//! Questions of the app that an ack answers: status 1 is yes, 2 is no.

use crate::{
    extensions::Extensions,
    item::{integer, text},
    message_table::message,
};

message! {
    /// Is a user in a group?
    CheckUserInGroupWithAck = 21 {
        /// The user's id.
        user_id: String => text,
        /// The group's name.
        group: String => text,
        /// Which ack answers it.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Has a group any connection?
    CheckGroupExistenceWithAck = 23 {
        /// The group's name.
        group: String => text,
        /// Which ack answers it.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Is a connection there?
    CheckConnectionExistenceWithAck = 24 {
        /// The client's connection id.
        connection_id: String => text,
        /// Which ack answers it.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Has a user any connection?
    CheckUserExistenceWithAck = 25 {
        /// The user's id.
        user_id: String => text,
        /// Which ack answers it.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
