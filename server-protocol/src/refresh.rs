//! Messages about a client that logs in again while it is connected.

use crate::{
    claims::Claims,
    extensions::Extensions,
    item::{integer, text},
    message_table::message,
    secret::Secret,
    timestamp::Timestamp,
};

message! {
    /// The app has checked a client's new login. The payload of the ack is
    /// [`ConnectionClaims`](crate::ConnectionClaims).
    RefreshAuth = 41 {
        /// The client's connection token.
        connection_token: Secret => Secret,
        /// The new claims.
        claims: Claims => Claims,
        /// The end of the login.
        expires: Timestamp => Timestamp,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// Asks for the claims of a client. The payload of the ack is
    /// [`ConnectionClaims`](crate::ConnectionClaims).
    GetConnectionClaims = 42 {
        /// The client's connection token.
        connection_token: Secret => Secret,
        /// The id of the ack that answers this.
        ack_id: i32 => integer,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}

message! {
    /// From the service: the user of a client has new claims.
    UpdateConnectionClaims = 43 {
        /// The client's connection id.
        connection_id: String => text,
        /// The new claims.
        claims: Claims => Claims,
        /// The extensions.
        extensions: Extensions => Extensions,
    }
}
