//! Reports of the service to the app. SDKs write them to their log.

use crate::{
    extensions::Extensions,
    item::{text, text_nil_is_empty},
    message_table::message,
    number_table::numbers,
};

message! {
    /// The server connection cannot be used any more. The app sends nothing more on it and keeps it
    /// until the socket ends.
    ServiceError = 15 {
        /// The text of the error.
        error: String => text_nil_is_empty,
    }
}

message! {
    /// Something happened.
    ServiceEvent = 22 {
        /// The kind of object that it happened to.
        object: ServiceObject => ServiceObject,
        /// The id of the object.
        id: String => text,
        /// The kind of event.
        kind: ServiceEventKind => ServiceEventKind,
        /// Further details.
        message: String => text_nil_is_empty,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

numbers! {
    /// The kind of object that a [`ServiceEvent`] is about.
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
    /// The kind of a [`ServiceEvent`].
    ServiceEventKind written as integer {
        /// The object restarts.
        Reloading = 0,
        /// The name of the object is not valid.
        Invalid = 1,
        /// The object does not exist.
        NotExisted = 2,
        /// The object does not accept data fast enough.
        BufferFull = 3,
    }
}
