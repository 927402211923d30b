//! Calls to a group.

use std::num::NonZeroU64;

use futures_util::Stream;

use super::{
    call::Call,
    group_members::GroupMembers,
    group_page::{Continuation, GroupMember, GroupPage, PageSize},
    hub_address::HubAddress,
    message::Message,
};
use crate::{
    error::Error,
    error_code,
    name::{ConnectionId, GroupName},
    operation::Operation,
};

/// A group of a hub. It exists as long as it has a connection.
///
/// ```no_run
/// # async fn example(hub: signalr_serverless::rest::Hub)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use signalr_serverless::{ConnectionId, GroupName, rest::Message};
///
/// let readers = hub.group(GroupName::parse("readers")?);
/// readers.add_connection(&ConnectionId::parse("ZKY8S0b3V2Cq7Q")?).await?;
/// readers.send(&Message::new("newMessage", &["hello"])?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Group {
    hub: HubAddress,
    name: GroupName,
}

impl Group {
    pub(super) fn new(hub: HubAddress, name: GroupName) -> Self {
        Self { hub, name }
    }

    /// The group's name.
    #[must_use]
    pub fn name(&self) -> &GroupName {
        &self.name
    }

    /// Sends to every connection of the group.
    ///
    /// ```no_run
    /// # async fn example(group: signalr_serverless::rest::Group)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// group.send(message).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn send(&self, message: &Message) -> Result<(), Error> {
        self.send_except(message, &[]).await
    }

    /// Sends to every connection of the group except these.
    ///
    /// ```no_run
    /// # async fn example(group: signalr_serverless::rest::Group)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// # let sender = ConnectionId::parse("c")?;
    /// group.send_except(message, &[sender]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn send_except(
        &self,
        message: &Message,
        excluded: &[ConnectionId],
    ) -> Result<(), Error> {
        let call = self.call(Operation::SendToGroup).excluding(excluded).body(message)?;
        call.run().await
    }

    /// Closes every connection of the group except these.
    ///
    /// Clients learn the reason if their tokens ask for detailed errors.
    ///
    /// ```no_run
    /// # async fn example(group: signalr_serverless::rest::Group)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// group.close_connections(&[], Some("closed for the night")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] before version 2022-06-01.
    pub async fn close_connections(
        &self,
        excluded: &[ConnectionId],
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let call = self.call(Operation::CloseGroupConnections).excluding(excluded).reason(reason);
        call.run().await
    }

    /// Adds a connection. Returns whether the connection exists. If it is gone, this is not an
    /// error, as in Azure's own SDK.
    ///
    /// ```no_run
    /// # async fn example(group: signalr_serverless::rest::Group)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let is_there = group.add_connection(&ConnectionId::parse("ZKY8S0b3V2Cq7Q")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn add_connection(&self, connection: &ConnectionId) -> Result<bool, Error> {
        let call = self.call(Operation::AddConnectionToGroup);
        let call = call.parameter("connectionId", connection.as_str());
        call.run_unless(error_code::CONNECTION_NOT_EXISTED).await
    }

    /// Removes a connection.
    ///
    /// ```no_run
    /// # async fn example(group: signalr_serverless::rest::Group)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// group.remove_connection(&ConnectionId::parse("ZKY8S0b3V2Cq7Q")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn remove_connection(&self, connection: &ConnectionId) -> Result<(), Error> {
        let call = self.call(Operation::RemoveConnectionFromGroup);
        call.parameter("connectionId", connection.as_str()).run().await
    }

    /// Whether the group has any connection.
    ///
    /// ```no_run
    /// # async fn example(group: signalr_serverless::rest::Group)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// if group.exists().await? {
    ///     println!("{} has connections", group.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn exists(&self) -> Result<bool, Error> {
        let call = self.call(Operation::GroupExists);
        call.run_unless(error_code::GROUP_NOT_EXISTED).await
    }

    /// Lists a page of the group's connections, from the first connection or from the end of
    /// another page.
    ///
    /// ```no_run
    /// # async fn example(group: signalr_serverless::rest::Group)
    /// # -> Result<(), signalr_serverless::Error> {
    /// use signalr_serverless::rest::PageSize;
    ///
    /// let first = group.list(PageSize::default(), None).await?;
    /// if let Some(next) = &first.next {
    ///     let second = group.list(PageSize::default(), Some(next)).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] before version 2024-12-01.
    pub async fn list(
        &self,
        size: PageSize,
        from: Option<&Continuation>,
    ) -> Result<GroupPage, Error> {
        self.all_members().page(size, None, from).await
    }

    /// All connections of the group, or the first ones up to a number. Each page is fetched when it
    /// is needed. The stream ends after its first error.
    ///
    /// ```no_run
    /// # async fn example(group: signalr_serverless::rest::Group)
    /// # -> Result<(), signalr_serverless::Error> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut members = group.members(None);
    /// while let Some(member) = members.try_next().await? {
    ///     println!("{}", member.connection_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`Group::list`].
    pub fn members(
        &self,
        top: Option<NonZeroU64>,
    ) -> impl Stream<Item = Result<GroupMember, Error>> + Send + Unpin + use<> {
        self.all_members().stream(top)
    }

    fn all_members(&self) -> GroupMembers {
        GroupMembers::new(self.hub.clone(), self.name.clone())
    }

    fn call(&self, operation: Operation) -> Call<'_> {
        self.hub.call(operation).parameter("group", self.name.as_str())
    }
}
