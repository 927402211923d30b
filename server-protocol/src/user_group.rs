//! Messages by which the app puts users into groups.

use crate::{
    extensions::Extensions,
    item::{integer, text, text_or_nil},
    message_table::message,
};

message! {
    /// Adds a user to a group, without an answer. Current SDKs ask for an ack.
    UserJoinGroup = 16 {
        /// The user's id.
        user_id: String => text,
        /// The group's name.
        group: String => text,
        /// The extensions; `ttl` is the duration.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Removes a user from a group, without an answer. Current SDKs ask for an ack.
    UserLeaveGroup = 17 {
        /// The user's id.
        user_id: String => text,
        /// The group's name; nil means all groups.
        group: Option<String> => text_or_nil,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Adds a user to a group.
    UserJoinGroupWithAck = 26 {
        /// The user's id.
        user_id: String => text,
        /// The group's name.
        group: String => text,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions; `ttl` is the duration.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Removes a user from a group.
    UserLeaveGroupWithAck = 27 {
        /// The user's id.
        user_id: String => text,
        /// The group's name; nil means all groups.
        group: Option<String> => text_or_nil,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
