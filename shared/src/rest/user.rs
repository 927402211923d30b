//! Calls to a user.

use std::time::Duration;

use super::{call::Call, hub_address::HubAddress, message::Message};
use crate::{
    error::Error,
    error_code,
    name::{ConnectionId, GroupName, UserId},
    operation::Operation,
};

/// A user of a hub, with all the connections that have the user's id.
///
/// ```no_run
/// # async fn example(hub: signalr_serverless::rest::Hub)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use signalr_serverless::{GroupName, UserId, rest::Message};
///
/// let ann = hub.user(UserId::parse("ann")?);
/// ann.send(&Message::new("newMessage", &["hello"])?).await?;
/// ann.add_to_group(&GroupName::parse("readers")?, Some(Duration::from_secs(3600))).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct User {
    hub: HubAddress,
    id: UserId,
}

impl User {
    pub(super) fn new(hub: HubAddress, id: UserId) -> Self {
        Self { hub, id }
    }

    /// The user's id.
    #[must_use]
    pub fn id(&self) -> &UserId {
        &self.id
    }

    /// Sends to every connection of the user.
    ///
    /// ```no_run
    /// # async fn example(user: signalr_serverless::rest::User)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// user.send(message).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn send(&self, message: &Message) -> Result<(), Error> {
        self.call(Operation::SendToUser).body(message)?.run().await
    }

    /// Closes every connection of the user except these.
    ///
    /// Clients learn the reason if their tokens ask for detailed errors.
    ///
    /// ```no_run
    /// # async fn example(user: signalr_serverless::rest::User)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// user.close_connections(&[], Some("signed out")).await?;
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
        let call = self.call(Operation::CloseUserConnections).excluding(excluded).reason(reason);
        call.run().await
    }

    /// Whether the user has any connection.
    ///
    /// ```no_run
    /// # async fn example(user: signalr_serverless::rest::User)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// if user.exists().await? {
    ///     println!("{} is here", user.id());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn exists(&self) -> Result<bool, Error> {
        let call = self.call(Operation::UserExists);
        call.run_unless(error_code::USER_NOT_EXISTED).await
    }

    /// Adds the user to a group: the present connections and, while the membership lasts, later
    /// ones.
    ///
    /// `ttl` is how long the membership lasts, in whole seconds. Zero means the present connections
    /// only. `None` means up to a year.
    ///
    /// ```no_run
    /// # async fn example(user: signalr_serverless::rest::User)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let hour = std::time::Duration::from_secs(60 * 60);
    /// user.add_to_group(&GroupName::parse("readers")?, Some(hour)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::InvalidValue`] for a `ttl` with a fraction of a second.
    pub async fn add_to_group(
        &self,
        group: &GroupName,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let mut call = self.call(Operation::AddUserToGroup).parameter("group", group.as_str());
        if let Some(ttl) = ttl {
            call = call.query("ttl", whole_seconds(ttl)?);
        }
        call.run().await
    }

    /// Removes the user from a group.
    ///
    /// ```no_run
    /// # async fn example(user: signalr_serverless::rest::User)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// user.remove_from_group(&GroupName::parse("readers")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn remove_from_group(&self, group: &GroupName) -> Result<(), Error> {
        let call = self.call(Operation::RemoveUserFromGroup);
        call.parameter("group", group.as_str()).run().await
    }

    /// Removes the user from all groups.
    ///
    /// ```no_run
    /// # async fn example(user: signalr_serverless::rest::User)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// user.remove_from_all_groups().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn remove_from_all_groups(&self) -> Result<(), Error> {
        self.call(Operation::RemoveUserFromAllGroups).run().await
    }

    /// Whether the user is in a group.
    ///
    /// ```no_run
    /// # async fn example(user: signalr_serverless::rest::User)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let is_reader = user.is_in_group(&GroupName::parse("readers")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn is_in_group(&self, group: &GroupName) -> Result<bool, Error> {
        let call = self.call(Operation::UserInGroup).parameter("group", group.as_str());
        call.run_unless(error_code::USER_NOT_IN_GROUP).await
    }

    fn call(&self, operation: Operation) -> Call<'_> {
        self.hub.call(operation).parameter("user", self.id.as_str())
    }
}

/// A fraction is refused: half a second, if cut, would become zero, which has another meaning.
fn whole_seconds(ttl: Duration) -> Result<String, Error> {
    if ttl.subsec_nanos() == 0 {
        return Ok(ttl.as_secs().to_string());
    }
    Err(Error::InvalidValue {
        what: "ttl",
        problem: format!("is {ttl:?}"),
        remedy: "use whole seconds, 0 or more",
    })
}
