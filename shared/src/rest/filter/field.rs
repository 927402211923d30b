//! The fields of a connection that a filter can use.

use super::{
    expression::Filter,
    value::{Groups, Text},
};

impl Filter {
    /// The connection's id.
    ///
    /// ```
    /// # use signalr_serverless::rest::Filter;
    /// assert_eq!(Filter::connection_id().eq("c1").to_string(), "connectionId eq 'c1'");
    /// ```
    #[must_use]
    pub fn connection_id() -> Text {
        Text::field("connectionId")
    }

    /// The id of the connection's user; null if there is none.
    ///
    /// ```
    /// # use signalr_serverless::rest::Filter;
    /// assert_eq!(Filter::user_id().is_null().to_string(), "userId eq null");
    /// ```
    #[must_use]
    pub fn user_id() -> Text {
        Text::field("userId")
    }

    /// The groups that the connection is in.
    ///
    /// ```
    /// # use signalr_serverless::rest::Filter;
    /// assert_eq!(Filter::groups().contains("g").to_string(), "'g' in groups");
    /// ```
    #[must_use]
    pub fn groups() -> Groups {
        Groups::field()
    }
}
