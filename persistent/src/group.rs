//! Calls to a group and its connections.

use std::sync::Arc;

use signalr_server_protocol::{
    CheckGroupExistenceWithAck, CloseGroupConnectionsWithAck, Extensions, GroupBroadcastData,
    GroupMember, GroupMemberQuery, GroupMembers, JoinGroupWithAck, LeaveGroupWithAck,
};
use signalr_serverless::{ConnectionId, GroupName, rest::Message};

use crate::{
    answers::is_yes,
    encoding::{payloads, texts},
    error::Error,
    pool::Pool,
};

/// A group of a hub. The crate's documentation has an example.
#[derive(Clone, Debug)]
pub struct Group {
    pool: Arc<Pool>,
    name: GroupName,
}

impl Group {
    pub(crate) fn new(pool: Arc<Pool>, name: GroupName) -> Self {
        Self { pool, name }
    }

    /// Sends to the group.
    ///
    /// # Errors
    ///
    /// [`Error::Message`] and [`Error::Lost`].
    pub async fn send(&self, message: &Message) -> Result<(), Error> {
        self.send_except(&[], message).await
    }

    /// Sends to the group except these connections.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send).
    pub async fn send_except(
        &self,
        excluded: &[ConnectionId],
        message: &Message,
    ) -> Result<(), Error> {
        let data = GroupBroadcastData {
            group: self.text(),
            excluded: texts(excluded),
            payloads: payloads(message, None)?,
            extensions: Extensions::default(),
            excluded_users: Vec::new(),
            caller_user_id: None,
        };
        self.pool.send(&self.name, data).await
    }

    /// Adds a connection. Returns whether the connection exists.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`], [`Error::NoAnswer`] and [`Error::Lost`].
    pub async fn add_connection(&self, connection: &ConnectionId) -> Result<bool, Error> {
        let (connection_id, group) = (connection.to_string(), self.text());
        let extensions = Extensions::default();
        let ask = |ack_id| JoinGroupWithAck { connection_id, group, ack_id, extensions };
        self.pool.ask_whether(&self.name, ask).await
    }

    /// Removes a connection. If it is not in the group, this succeeds.
    ///
    /// # Errors
    ///
    /// The errors of [`add_connection`](Self::add_connection).
    pub async fn remove_connection(&self, connection: &ConnectionId) -> Result<(), Error> {
        let (connection_id, group) = (connection.to_string(), Some(self.text()));
        let extensions = Extensions::default();
        let ask = |ack_id| LeaveGroupWithAck { connection_id, group, ack_id, extensions };
        self.pool.ask_whether(&self.name, ask).await.map(drop)
    }

    /// Whether any connection is in the group.
    ///
    /// # Errors
    ///
    /// The errors of [`add_connection`](Self::add_connection).
    pub async fn exists(&self) -> Result<bool, Error> {
        let (group, extensions) = (self.text(), Extensions::default());
        let ask = |ack_id| CheckGroupExistenceWithAck { group, ack_id, extensions };
        self.pool.ask_whether(&self.name, ask).await
    }

    /// All connections of the group, fetched page by page.
    ///
    /// # Errors
    ///
    /// The errors of [`add_connection`](Self::add_connection), and [`Error::Answer`].
    pub async fn members(&self) -> Result<Vec<GroupMember>, Error> {
        let (mut members, mut continuation) = (Vec::new(), None);
        loop {
            let (group, extensions) = (self.text(), Extensions::default());
            let (top, page_size) = (None, None);
            let ask = |ack_id| GroupMemberQuery {
                extensions,
                group,
                ack_id,
                top,
                continuation,
                page_size,
            };
            let ack = self.pool.ask(&self.name, ask).await?;
            is_yes(&ack)?;
            let payload = ack.payload.ok_or_else(|| Error::Answer("it has no payload".into()))?;
            let page = GroupMembers::decode(payload);
            let page = page.map_err(|error| Error::Answer(error.to_string()))?;
            members.extend(page.members);
            if page.continuation.is_none() {
                return Ok(members);
            }
            continuation = page.continuation;
        }
    }

    /// Closes the connections of the group except these.
    ///
    /// # Errors
    ///
    /// The errors of [`add_connection`](Self::add_connection).
    pub async fn close_connections(
        &self,
        excluded: &[ConnectionId],
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let (group, reason) = (self.text(), reason.map(str::to_owned));
        let (excluded, extensions) = (texts(excluded), Extensions::default());
        let ask =
            |ack_id| CloseGroupConnectionsWithAck { group, reason, ack_id, excluded, extensions };
        self.pool.ask_whether(&self.name, ask).await.map(drop)
    }

    fn text(&self) -> String {
        self.name.to_string()
    }
}
