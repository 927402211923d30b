//! Calls to a whole hub.

use std::time::Duration;

use serde::Deserialize;

use super::{
    command::Command, connection::Connection, each::Each, filter::Filter, group::Group,
    hub_address::HubAddress, login::Login, message::Message, user::User,
};
use crate::{
    error::Error,
    name::{ConnectionId, GroupName, HubName, UserId},
    operation::Operation,
    token::Token,
};

/// A hub of the service.
///
/// ```no_run
/// # async fn example(client: signalr_serverless::rest::RestClient)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use signalr_serverless::{GroupName, HubName, UserId, rest::Message};
///
/// let chat = client.hub(HubName::parse("chat")?);
/// let message = Message::new("newMessage", &["hello"])?;
/// chat.broadcast(&message).await?;
/// chat.user(UserId::parse("ann")?).send(&message).await?;
/// chat.group(GroupName::parse("readers")?).send(&message).await?;
/// chat.close_connections(&[], Some("closed for the night")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Hub(HubAddress);

impl Hub {
    pub(super) fn new(address: HubAddress) -> Self {
        Self(address)
    }

    /// The hub's name.
    #[must_use]
    pub fn name(&self) -> &HubName {
        &self.0.hub
    }

    /// A group of the hub.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let readers = hub.group(GroupName::parse("readers")?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn group(&self, name: GroupName) -> Group {
        Group::new(self.0.clone(), name)
    }

    /// A user of the hub.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let ann = hub.user(UserId::parse("ann")?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn user(&self, id: UserId) -> User {
        User::new(self.0.clone(), id)
    }

    /// A connection of the hub.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let connection = hub.connection(ConnectionId::parse("ZKY8S0b3V2Cq7Q")?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Connection {
        Connection::new(self.0.clone(), id)
    }

    /// Several groups of the hub, each of which gets its own call.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// let names = [GroupName::parse("readers")?, GroupName::parse("writers")?];
    /// let results = hub.groups(names).send(message).await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn groups(&self, names: impl IntoIterator<Item = GroupName>) -> Each<Group> {
        Each::new(names.into_iter().map(|name| self.group(name)))
    }

    /// Several users of the hub, each of which gets its own call.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// let ids = [UserId::parse("ann")?, UserId::parse("bob")?];
    /// let results = hub.users(ids).send(message).await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn users(&self, ids: impl IntoIterator<Item = UserId>) -> Each<User> {
        Each::new(ids.into_iter().map(|id| self.user(id)))
    }

    /// Several connections of the hub, each of which gets its own call.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let ids: Vec<ConnectionId> = Vec::new();
    /// let results = hub.connections(ids).close(Some("closed for the night")).await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn connections(&self, ids: impl IntoIterator<Item = ConnectionId>) -> Each<Connection> {
        Each::new(ids.into_iter().map(|id| self.connection(id)))
    }

    /// Sends to every connection of the hub.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// hub.broadcast(&rest::Message::new("newMessage", &["hello"])?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn broadcast(&self, message: &Message) -> Result<(), Error> {
        self.broadcast_except(message, &[]).await
    }

    /// Sends to every connection of the hub except these.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// # let sender = ConnectionId::parse("c")?;
    /// hub.broadcast_except(message, &[sender]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn broadcast_except(
        &self,
        message: &Message,
        excluded: &[ConnectionId],
    ) -> Result<(), Error> {
        let call = self.0.call(Operation::Broadcast).excluding(excluded).body(message)?;
        call.run().await
    }

    /// Sends to several users in one call, which only version v1-preview can do. In other versions
    /// [`Hub::users`] makes a call for each.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// let ids = [UserId::parse("ann")?, UserId::parse("bob")?];
    /// hub.send_to_users(&ids, message).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] except in v1-preview, and
    /// [`Error::InvalidValue`] if there is no user, or if an id contains a comma, which separates
    /// ids.
    pub async fn send_to_users(&self, users: &[UserId], message: &Message) -> Result<(), Error> {
        let list = comma_list("user id", users.iter().map(UserId::as_str))?;
        let call = self.0.call(Operation::SendToUsers).parameter("users", list);
        call.body(message)?.run().await
    }

    /// Sends to several groups in one call, which only version v1-preview can do. In other versions
    /// [`Hub::groups`] makes a call for each.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// let names = [GroupName::parse("readers")?, GroupName::parse("writers")?];
    /// hub.send_to_groups(&names, message).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] except in v1-preview, and
    /// [`Error::InvalidValue`] if there is no group, or if a name contains a comma, which separates
    /// names.
    pub async fn send_to_groups(
        &self,
        groups: &[GroupName],
        message: &Message,
    ) -> Result<(), Error> {
        let list = comma_list("group name", groups.iter().map(GroupName::as_str))?;
        let call = self.0.call(Operation::SendToGroups).parameter("groups", list);
        call.body(message)?.run().await
    }

    /// Closes every connection of the hub except these.
    ///
    /// Clients learn the reason if their tokens ask for detailed errors.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// hub.close_connections(&[], Some("closed for the night")).await?;
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
        let call = self.0.call(Operation::CloseHubConnections).excluding(excluded).reason(reason);
        call.run().await
    }

    /// Executes commands for every connection that the filter matches, or for all.
    ///
    /// The connections are chosen before the first command. The commands run in the given order.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use signalr_serverless::{GroupName, rest::{Command, Filter, Message}};
    ///
    /// let guests = Filter::user_id().starts_with("guest-");
    /// let readers = GroupName::parse("readers")?;
    /// let message = Message::new("welcome", &())?;
    /// hub.execute(
    ///     Some(&guests),
    ///     &[Command::JoinGroup { group: readers }, Command::SendMessage { message }],
    /// )
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] before version 2024-12-01.
    pub async fn execute(
        &self,
        filter: Option<&Filter>,
        commands: &[Command],
    ) -> Result<(), Error> {
        let mut call = self.0.call(Operation::Execute).body(commands)?;
        if let Some(filter) = filter {
            call = call.query("filter", filter.to_string());
        }
        if !commands.iter().any(Command::is_send) {
            call = call.repeatable();
        }
        call.run().await
    }

    /// The login of a client. The secret connection token of its negotiation names the client.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let claims = hub.login("rE5uPXnJ2kB3hT0qWv7sLg").claims().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn login(&self, connection_token: impl Into<String>) -> Login {
        Login::new(self.0.clone(), connection_token.into())
    }

    /// Asks the service for a token with which a client connects to the hub, as this user or
    /// without one. [`Negotiator`](crate::Negotiator) issues such a token without a call.
    ///
    /// The lifetime is in whole minutes, at least one.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use signalr_serverless::UserId;
    ///
    /// let hour = Duration::from_secs(60 * 60);
    /// let token = hub.generate_token(Some(&UserId::parse("ann")?), hour).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] before version 2024-12-01, and
    /// [`Error::InvalidValue`] for a lifetime that is not in whole minutes.
    pub async fn generate_token(
        &self,
        user: Option<&UserId>,
        lifetime: Duration,
    ) -> Result<Token, Error> {
        let mut call = self.0.call(Operation::GenerateToken);
        if let Some(user) = user {
            call = call.query("userId", user.as_str());
        }
        let call = call.query("minutesToExpire", whole_minutes(lifetime)?);
        let answer: ClientTokenResponse = call.read().await?;
        Ok(Token::issued(answer.token))
    }
}

#[derive(Deserialize)]
struct ClientTokenResponse {
    token: String,
}

/// The names, separated by commas, for a path.
fn comma_list<'a>(
    what: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<String, Error> {
    let names: Vec<_> = names.collect();
    let problem = match names.iter().find(|name| name.contains(',')) {
        Some(name) => format!("'{name}' has a comma, which separates them in version v1-preview"),
        None if names.is_empty() => "is missing".to_owned(),
        None => return Ok(names.join(",")),
    };
    Err(Error::InvalidValue { what, problem, remedy: "give at least one, without commas" })
}

/// Source: the published description has a number of 32 bits, 1 or more.
fn whole_minutes(lifetime: Duration) -> Result<String, Error> {
    let (seconds, rest) = (lifetime.as_secs(), lifetime.subsec_nanos());
    match i32::try_from(seconds / 60) {
        Ok(minutes @ 1..) if seconds % 60 == 0 && rest == 0 => Ok(minutes.to_string()),
        _ => Err(Error::InvalidValue {
            what: "token lifetime",
            problem: format!("is {lifetime:?}"),
            remedy: "use whole minutes, 1 or more",
        }),
    }
}
