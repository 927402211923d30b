//! The same call to several users, groups or connections, with a result for each.

use std::{num::NonZeroUsize, time::Duration};

use futures_util::{StreamExt, stream};

use super::{connection::Connection, group::Group, message::Message, user::User};
use crate::{
    error::Error,
    name::{ConnectionId, GroupName},
};

/// Several users, groups or connections of a hub. There is one call for each of them.
///
/// Up to 16 calls run at the same time. The results are in the order of the users, groups or
/// connections. If a call fails, the others continue.
///
/// ```no_run
/// # async fn example(hub: signalr_serverless::rest::Hub)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use signalr_serverless::{UserId, rest::Message};
///
/// let users = [UserId::parse("ann")?, UserId::parse("bob")?];
/// let results = hub.users(users.clone()).send(&Message::new("hello", &())?).await;
/// for (user, result) in users.iter().zip(results) {
///     if let Err(error) = result {
///         eprintln!("{user}: {error}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Each<T> {
    targets: Vec<T>,
    at_once: NonZeroUsize,
}

impl<T: Clone> Each<T> {
    const DEFAULT_AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

    pub(super) fn new(targets: impl Iterator<Item = T>) -> Self {
        Self { targets: targets.collect(), at_once: Self::DEFAULT_AT_ONCE }
    }

    /// How many calls may run at the same time; 16 by default.
    #[must_use]
    pub fn with_at_once(mut self, at_once: NonZeroUsize) -> Self {
        self.at_once = at_once;
        self
    }

    /// Makes a call of your choice for each.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub, ids: Vec<signalr_serverless::UserId>) {
    /// let present = hub.users(ids).call(|user| async move { user.exists().await }).await;
    /// # }
    /// ```
    pub async fn call<C: Future>(&self, call: impl Fn(T) -> C) -> Vec<C::Output> {
        let calls: Vec<_> = self.targets.iter().cloned().map(call).collect();
        stream::iter(calls).buffered(self.at_once.get()).collect().await
    }
}

impl Each<User> {
    /// Sends to every connection of each user.
    pub async fn send(&self, message: &Message) -> Vec<Result<(), Error>> {
        self.call(|user| async move { user.send(message).await }).await
    }

    /// Adds each user to a group; see [`User::add_to_group`].
    pub async fn add_to_group(
        &self,
        group: &GroupName,
        ttl: Option<Duration>,
    ) -> Vec<Result<(), Error>> {
        self.call(|user| async move { user.add_to_group(group, ttl).await }).await
    }

    /// Removes each user from a group.
    pub async fn remove_from_group(&self, group: &GroupName) -> Vec<Result<(), Error>> {
        self.call(|user| async move { user.remove_from_group(group).await }).await
    }

    /// Closes every connection of each user except these; see [`User::close_connections`].
    pub async fn close_connections(
        &self,
        excluded: &[ConnectionId],
        reason: Option<&str>,
    ) -> Vec<Result<(), Error>> {
        self.call(|user| async move { user.close_connections(excluded, reason).await }).await
    }
}

impl Each<Group> {
    /// Sends to every connection of each group. A connection in several of the groups gets the
    /// message several times.
    pub async fn send(&self, message: &Message) -> Vec<Result<(), Error>> {
        self.send_except(message, &[]).await
    }

    /// Sends to every connection of each group except these.
    pub async fn send_except(
        &self,
        message: &Message,
        excluded: &[ConnectionId],
    ) -> Vec<Result<(), Error>> {
        self.call(|group| async move { group.send_except(message, excluded).await }).await
    }

    /// Closes every connection of each group except these; see [`Group::close_connections`].
    pub async fn close_connections(
        &self,
        excluded: &[ConnectionId],
        reason: Option<&str>,
    ) -> Vec<Result<(), Error>> {
        self.call(|group| async move { group.close_connections(excluded, reason).await }).await
    }
}

impl Each<Connection> {
    /// Sends to each connection.
    pub async fn send(&self, message: &Message) -> Vec<Result<(), Error>> {
        self.call(|connection| async move { connection.send(message).await }).await
    }

    /// Adds each connection to a group; see [`Connection::add_to_group`].
    pub async fn add_to_group(&self, group: &GroupName) -> Vec<Result<bool, Error>> {
        self.call(|connection| async move { connection.add_to_group(group).await }).await
    }

    /// Removes each connection from a group.
    pub async fn remove_from_group(&self, group: &GroupName) -> Vec<Result<(), Error>> {
        self.call(|connection| async move { connection.remove_from_group(group).await }).await
    }

    /// Closes each connection; see [`Connection::close`].
    pub async fn close(&self, reason: Option<&str>) -> Vec<Result<(), Error>> {
        self.call(|connection| async move { connection.close(reason).await }).await
    }
}
