//! Calls to a user and the user's groups.

use std::{sync::Arc, time::Duration};

use signalr_server_protocol::{
    CheckUserExistenceWithAck, CheckUserInGroupWithAck, CloseUserConnectionsWithAck, Extensions,
    UserData, UserJoinGroupWithAck, UserLeaveGroupWithAck,
};
use signalr_serverless::{ConnectionId, GroupName, UserId, rest::Message};

use crate::{
    encoding::{payloads, texts},
    error::Error,
    pool::Pool,
};

/// A user of a hub. The crate's documentation has an example of a group, which works the same way.
#[derive(Clone, Debug)]
pub struct User {
    pool: Arc<Pool>,
    id: UserId,
}

impl User {
    pub(crate) fn new(pool: Arc<Pool>, id: UserId) -> Self {
        Self { pool, id }
    }

    /// Sends to all clients of the user.
    ///
    /// # Errors
    ///
    /// [`Error::Message`] and [`Error::Lost`].
    pub async fn send(&self, message: &Message) -> Result<(), Error> {
        let (payloads, extensions) = (payloads(message, None)?, Extensions::default());
        self.pool.send(&self.id, UserData { user_id: self.text(), payloads, extensions }).await
    }

    /// Whether the user has any connection.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`], [`Error::NoAnswer`] and [`Error::Lost`].
    pub async fn exists(&self) -> Result<bool, Error> {
        let (user_id, extensions) = (self.text(), Extensions::default());
        let ask = |ack_id| CheckUserExistenceWithAck { user_id, ack_id, extensions };
        self.pool.ask_whether(&self.id, ask).await
    }

    /// Adds the user to a group for a time in whole seconds. Without a time: for a year.
    ///
    /// # Errors
    ///
    /// The errors of [`exists`](Self::exists).
    pub async fn add_to_group(
        &self,
        group: &GroupName,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let (user_id, group) = (self.text(), group.to_string());
        let ttl = ttl.map(|time| i32::try_from(time.as_secs()).unwrap_or(i32::MAX));
        let extensions = Extensions { ttl, ..Extensions::default() };
        let ask = |ack_id| UserJoinGroupWithAck { user_id, group, ack_id, extensions };
        self.pool.ask_whether(&self.id, ask).await.map(drop)
    }

    /// Removes the user from a group.
    ///
    /// # Errors
    ///
    /// The errors of [`exists`](Self::exists).
    pub async fn remove_from_group(&self, group: &GroupName) -> Result<(), Error> {
        self.remove(Some(group)).await
    }

    /// Removes the user from all groups.
    ///
    /// # Errors
    ///
    /// The errors of [`exists`](Self::exists).
    pub async fn remove_from_all_groups(&self) -> Result<(), Error> {
        self.remove(None).await
    }

    async fn remove(&self, group: Option<&GroupName>) -> Result<(), Error> {
        let (user_id, group) = (self.text(), group.map(ToString::to_string));
        let extensions = Extensions::default();
        let ask = |ack_id| UserLeaveGroupWithAck { user_id, group, ack_id, extensions };
        self.pool.ask_whether(&self.id, ask).await.map(drop)
    }

    /// Whether the user is in a group.
    ///
    /// # Errors
    ///
    /// The errors of [`exists`](Self::exists).
    pub async fn is_in_group(&self, group: &GroupName) -> Result<bool, Error> {
        let (user_id, group) = (self.text(), group.to_string());
        let extensions = Extensions::default();
        let ask = |ack_id| CheckUserInGroupWithAck { user_id, group, ack_id, extensions };
        self.pool.ask_whether(&self.id, ask).await
    }

    /// Closes the connections of the user except these.
    ///
    /// # Errors
    ///
    /// The errors of [`exists`](Self::exists).
    pub async fn close_connections(
        &self,
        excluded: &[ConnectionId],
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let (user_id, reason) = (self.text(), reason.map(str::to_owned));
        let (excluded, extensions) = (texts(excluded), Extensions::default());
        let ask =
            |ack_id| CloseUserConnectionsWithAck { user_id, reason, ack_id, excluded, extensions };
        self.pool.ask_whether(&self.id, ask).await.map(drop)
    }

    fn text(&self) -> String {
        self.id.to_string()
    }
}
