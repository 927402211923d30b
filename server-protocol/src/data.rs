//! Messages from the app for many clients. The service sends them to each.

use crate::{
    extensions::Extensions,
    item::{text, text_or_absent, texts, texts_or_absent},
    message_table::message,
    payloads::Payloads,
};

message! {
    /// A message for one client or several clients.
    MultiConnectionData = 7 {
        /// Their connection ids.
        connection_ids: Vec<String> => texts,
        /// The message.
        payloads: Payloads => Payloads,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// A message for all clients of a user.
    UserData = 8 {
        /// The user's id.
        user_id: String => text,
        /// The message.
        payloads: Payloads => Payloads,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// A message for all clients of several users.
    MultiUserData = 9 {
        /// The users' ids.
        user_ids: Vec<String> => texts,
        /// The message.
        payloads: Payloads => Payloads,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// A message for all clients of the hub.
    BroadcastData = 10 {
        /// Connection ids of clients that do not get it.
        excluded: Vec<String> => texts,
        /// The message.
        payloads: Payloads => Payloads,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// A message for a group.
    GroupBroadcastData = 13 {
        /// The group's name.
        group: String => text,
        /// Connection ids of clients that do not get it.
        excluded: Vec<String> => texts,
        /// The message.
        payloads: Payloads => Payloads,
        /// The extensions.
        extensions: Extensions => Extensions,
        /// Ids of users that do not get it. Absent in old SDKs.
        excluded_users: Vec<String> => texts_or_absent,
        /// The id of the user who caused the message. Absent in old SDKs.
        caller_user_id: Option<String> => text_or_absent,
    }
}

message! {
    /// A message for several groups.
    MultiGroupBroadcastData = 14 {
        /// The groups' names.
        groups: Vec<String> => texts,
        /// The message.
        payloads: Payloads => Payloads,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
