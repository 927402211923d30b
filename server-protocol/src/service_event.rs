//! What the service reports to the app beside answers. SDKs write it to their log.

use crate::{
    extensions::Extensions,
    item::{text, text_nil_is_empty},
    message_table::message,
    number_table::numbers,
};

message! {
    /// The server connection is of no use any more: the app sends nothing more by it, and keeps it
    /// until the socket ends.
    ServiceError = 15 {
        /// The text of the error.
        error: String => text_nil_is_empty,
    }
}

message! {
    /// Something happened.
    ServiceEvent = 22 {
        /// What it happened to.
        object: ServiceObject => ServiceObject,
        /// The id of that.
        id: String => text,
        /// What happened.
        kind: ServiceEventKind => ServiceEventKind,
        /// More about it.
        message: String => text_nil_is_empty,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

numbers! {
    /// What a [`ServiceEvent`] is about.
    ServiceObject written as integer {
        /// An instance of the service.
        Instance = 0,
        /// A client's connection.
        Connection = 1,
        /// A user.
        User = 2,
        /// A group.
        Group = 3,
        /// A server connection.
        ServerConnection = 4,
    }
}

numbers! {
    /// What a [`ServiceEvent`] reports.
    ServiceEventKind written as integer {
        /// It starts anew.
        Reloading = 0,
        /// Its name is not valid.
        Invalid = 1,
        /// It does not exist.
        NotExisted = 2,
        /// It does not take what is sent fast enough.
        BufferFull = 3,
    }
}
