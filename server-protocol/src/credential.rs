//! Keys by which an app with a Microsoft Entra identity signs the tokens of its clients.

use crate::{
    extensions::Extensions,
    item::text_or_nil,
    message_table::message,
    secret::{Secret, secret_or_nil},
};

message! {
    /// The app asks for a key.
    AccessKeyRequest = 28 {
        /// The app's token of Microsoft Entra.
        token: Secret => Secret,
        /// The id of the key that the app already has.
        kid: Option<String> => text_or_nil,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// The answer: a key, or an error.
    AccessKeyResponse = 29 {
        /// The id of the key.
        kid: Option<String> => text_or_nil,
        /// The key.
        access_key: Option<Secret> => secret_or_nil,
        /// The type of the error; nil if there is a key.
        error_type: Option<String> => text_or_nil,
        /// The text of the error.
        error: Option<String> => text_or_nil,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
