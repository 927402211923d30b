//! Users in groups, by request of the app.

use crate::{
    extensions::Extensions,
    item::{integer, text, text_or_nil},
    message_table::message,
};

message! {
    /// Adds a user to a group, without an answer. SDKs of now ask for an ack.
    UserJoinGroup = 16 {
        /// The user's id.
        user_id: String => text,
        /// The group's name.
        group: String => text,
        /// The extensions; `ttl` says for how long.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Takes a user out of a group, without an answer. SDKs of now ask for an ack.
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
        /// Which ack answers it.
        ack_id: i32 => integer,
        /// The extensions; `ttl` says for how long.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Takes a user out of a group.
    UserLeaveGroupWithAck = 27 {
        /// The user's id.
        user_id: String => text,
        /// The group's name; nil means all groups.
        group: Option<String> => text_or_nil,
        /// Which ack answers it.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
