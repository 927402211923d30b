//! Memberships in the broker. All nodes share it, and it outlives them.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use redis::Value;
use signalr_serverless::{GroupName, HubName, UserId};

use super::{
    ends::Ends,
    membership::{Membership, UNTIMED_GROUPS_PER_USER, UNTIMED_LIFETIME},
};
use crate::broker::{Answers, Broker, Channel, Down, Script};

/// The end of a membership that is only for the open connections and ends with them.
const PASSING: u64 = u64::MAX;

/// Keeps memberships in the broker. Changes reach the nodes that have connections of the user. They
/// arrive in the order in which the store accepted them.
#[derive(Debug)]
pub(crate) struct BrokerStore {
    broker: Broker,
    /// The ends of the memberships that connections of this node have. Held for short synchronous
    /// sections only.
    ends: Mutex<Ends>,
}

impl BrokerStore {
    pub(crate) fn new(broker: Broker) -> Self {
        Self { broker, ends: Mutex::default() }
    }

    /// Adds a membership and reports it by the command `change`, to which it appends the
    /// membership's end and the groups that were removed for it. Returns the nodes that answer.
    pub(crate) async fn add(
        &self,
        membership: &Membership,
        ttl: Option<Duration>,
        change: Bytes,
    ) -> Result<Answers, Down> {
        let Membership { hub, user, group } = membership;
        let ttl =
            ttl.map_or(String::new(), |ttl| ttl.min(UNTIMED_LIFETIME).as_millis().to_string());
        let kept = UNTIMED_GROUPS_PER_USER.to_string();
        let lifetime = UNTIMED_LIFETIME.as_millis().to_string();
        let arguments = |channel: &[u8], frame: &[u8]| {
            let group = group.as_str().as_bytes();
            [channel, frame, group, ttl.as_bytes(), kept.as_bytes(), lifetime.as_bytes()]
                .map(<[u8]>::to_vec)
                .to_vec()
        };
        let keys = self.broker.channels().user_group_keys(hub, user);
        let channel = Channel::User(hub, user);
        let asked = self.broker.ask_by_script(Script::AddUser, &keys, channel, change, arguments);
        Ok(asked.await?.0)
    }

    /// Removes a membership, or all memberships of a user, and reports this by `change`. Returns
    /// the nodes that answer.
    pub(crate) async fn remove(
        &self,
        hub: &HubName,
        user: &UserId,
        group: Option<&GroupName>,
        change: Bytes,
    ) -> Result<Answers, Down> {
        let arguments = |channel: &[u8], frame: &[u8]| {
            let mut arguments = vec![channel.to_vec(), frame.to_vec()];
            arguments.extend(group.map(|group| group.as_str().as_bytes().to_vec()));
            arguments
        };
        let keys = self.broker.channels().user_group_keys(hub, user);
        let channel = Channel::User(hub, user);
        let asked =
            self.broker.ask_by_script(Script::RemoveUser, &keys, channel, change, arguments);
        Ok(asked.await?.0)
    }

    /// The groups of a user. Each ends at its time for the user's connections on this node.
    pub(crate) async fn groups(
        &self,
        hub: &HubName,
        user: &UserId,
    ) -> Result<Vec<GroupName>, Down> {
        let keys = self.broker.channels().user_group_keys(hub, user);
        let lifetime = UNTIMED_LIFETIME.as_millis().to_string();
        let _asked = self.begin_to_ask(hub, user);
        let answer = self.broker.run(Script::UserGroups, &keys, &[lifetime.as_bytes()]).await?;
        let Value::Array(lists) = answer else { return Err(Down) };
        let [Value::Array(timed), Value::Array(others)] = lists.as_slice() else {
            return Err(Down);
        };
        let mut groups = names(others.clone());
        for pair in timed.chunks_exact(2) {
            let (Some(group), Some(end)) = (name(&pair[0]), end(&pair[1])) else { continue };
            let (hub, user) = (hub.clone(), user.clone());
            self.lock().answered(Membership { hub, user, group: group.clone() }, end);
            groups.push(group);
        }
        Ok(groups)
    }

    /// Keeps the changes that are reported until the store's answer about a user is noted.
    fn begin_to_ask<'a>(&'a self, hub: &'a HubName, user: &'a UserId) -> AboutUser<'a> {
        self.lock().ask(hub, user);
        AboutUser { store: self, hub, user }
    }

    /// The groups that only the user's open connections are in, and not later ones.
    pub(crate) fn passing(&self, hub: &HubName, user: &UserId) -> Vec<GroupName> {
        let ends = self.lock();
        let groups = ends.of(hub, user).filter(|(_, end)| *end == PASSING);
        groups.map(|(group, _)| group.clone()).collect()
    }

    /// Notes when a membership ends for the connections of this node.
    pub(crate) fn ends_at(&self, membership: Membership, end: u64) {
        self.lock().join(membership, end);
    }

    /// The ends of a user's memberships, in milliseconds since 1970, for the memberships that have an
    /// end. A connection that moves to another node takes them with it.
    pub(crate) fn ends(&self, hub: &HubName, user: &UserId) -> Vec<(GroupName, u64)> {
        self.lock().of(hub, user).map(|(group, end)| (group.clone(), end)).collect()
    }

    /// Notes the end of a membership of a connection that came from another node. If this node knows
    /// an end, that one is newer.
    pub(crate) fn ends_elsewhere(&self, membership: Membership, end: u64) {
        let mut ends = self.lock();
        if !ends.has(&membership) {
            ends.set(membership, end);
        }
    }

    /// Removes the ends of memberships that the user no longer has.
    pub(crate) fn ended(&self, hub: &HubName, user: &UserId, group: Option<&GroupName>) {
        let mut ends = self.lock();
        let groups: Vec<GroupName> = match group {
            Some(group) => vec![group.clone()],
            None => ends.leave_all(hub, user),
        };
        for group in groups {
            ends.leave(&Membership { hub: hub.clone(), user: user.clone(), group });
        }
    }

    /// The memberships of connections of this node whose time is over. They stay in the table until
    /// [`take_expired`](Self::take_expired).
    pub(crate) fn expired(&self) -> Vec<Membership> {
        self.lock().expired(self.broker.now())
    }

    /// Removes a membership if its time is over, and returns whether it was. In the meantime the
    /// membership may have got more time.
    pub(crate) fn take_expired(&self, membership: &Membership) -> bool {
        self.lock().take_expired(membership, self.broker.now())
    }

    /// Removes users that no longer have a connection here.
    pub(crate) fn forget_absent(&self) {
        self.lock().retain(|hub, user| self.broker.holds(Channel::User(hub, user)));
    }

    fn lock(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While this exists, the store is asked about a user.
struct AboutUser<'a> {
    store: &'a BrokerStore,
    hub: &'a HubName,
    user: &'a UserId,
}

impl Drop for AboutUser<'_> {
    fn drop(&mut self) {
        self.store.lock().asked(self.hub, self.user);
    }
}

fn names(values: Vec<Value>) -> Vec<GroupName> {
    values.iter().filter_map(name).collect()
}

fn name(value: &Value) -> Option<GroupName> {
    match value {
        Value::BulkString(bytes) => GroupName::parse(std::str::from_utf8(bytes).ok()?).ok(),
        _ => None,
    }
}

fn end(value: &Value) -> Option<u64> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}
