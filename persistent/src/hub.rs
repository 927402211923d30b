//! Calls to a whole hub.

use std::sync::Arc;

use signalr_server_protocol::{
    BroadcastData, CloseConnectionsWithAck, Extensions, MultiGroupBroadcastData, MultiUserData,
};
use signalr_serverless::{
    ConnectionId, ConnectionString, GroupName, HubName, UserId, rest::Message,
};

use crate::{
    client_connection::ClientConnection,
    encoding::{payloads, texts},
    error::Error,
    group::Group,
    options::Options,
    pool::Pool,
    user::User,
};

/// A hub of the service, over connections that stay open. Clones share them. When the last clone is
/// dropped, the queued messages are written and the connections are closed.
#[derive(Clone, Debug)]
pub struct HubConnection(Arc<Pool>);

impl HubConnection {
    /// Connects, and returns when every connection is open.
    ///
    /// # Errors
    ///
    /// [`Error::NoAccessKey`], [`Error::Unreachable`], [`Error::Refused`] and [`Error::Handshake`].
    pub async fn connect(
        service: &ConnectionString,
        hub: HubName,
        options: Options,
    ) -> Result<Self, Error> {
        Ok(Self(Arc::new(Pool::open(service, hub, options).await?)))
    }

    /// The hub's name.
    #[must_use]
    pub fn name(&self) -> &HubName {
        &self.0.hub
    }

    /// A group of the hub.
    #[must_use]
    pub fn group(&self, name: GroupName) -> Group {
        Group::new(Arc::clone(&self.0), name)
    }

    /// A user of the hub.
    #[must_use]
    pub fn user(&self, id: UserId) -> User {
        User::new(Arc::clone(&self.0), id)
    }

    /// A connection of the hub.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> ClientConnection {
        ClientConnection::new(Arc::clone(&self.0), id)
    }

    /// Sends to all clients.
    ///
    /// # Errors
    ///
    /// [`Error::Message`] and [`Error::Lost`], as for each send.
    pub async fn broadcast(&self, message: &Message) -> Result<(), Error> {
        self.broadcast_except(&[], message).await
    }

    /// Sends to all clients except these.
    ///
    /// # Errors
    ///
    /// The errors of [`broadcast`](Self::broadcast).
    pub async fn broadcast_except(
        &self,
        excluded: &[ConnectionId],
        message: &Message,
    ) -> Result<(), Error> {
        let (payloads, extensions) = (payloads(message, None)?, Extensions::default());
        self.0.send("", BroadcastData { excluded: texts(excluded), payloads, extensions }).await
    }

    /// Sends to all clients of some users, in one message.
    ///
    /// # Errors
    ///
    /// The errors of [`broadcast`](Self::broadcast).
    pub async fn send_to_users(&self, users: &[UserId], message: &Message) -> Result<(), Error> {
        let (payloads, extensions) = (payloads(message, None)?, Extensions::default());
        self.0.send("", MultiUserData { user_ids: texts(users), payloads, extensions }).await
    }

    /// Sends to some groups, in one message.
    ///
    /// # Errors
    ///
    /// The errors of [`broadcast`](Self::broadcast).
    pub async fn send_to_groups(
        &self,
        groups: &[GroupName],
        message: &Message,
    ) -> Result<(), Error> {
        let (payloads, extensions) = (payloads(message, None)?, Extensions::default());
        self.0
            .send("", MultiGroupBroadcastData { groups: texts(groups), payloads, extensions })
            .await
    }

    /// Closes all clients except these.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`], [`Error::NoAnswer`] and [`Error::Lost`], as for each call with an answer.
    pub async fn close_connections(
        &self,
        excluded: &[ConnectionId],
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let (reason, excluded) = (reason.map(str::to_owned), texts(excluded));
        let extensions = Extensions::default();
        let ask = |ack_id| CloseConnectionsWithAck { reason, ack_id, excluded, extensions };
        self.0.ask_whether("", ask).await.map(drop)
    }
}
