//! The connections that a shard owns: by key, by id, and by the time of their next check.

use std::collections::HashMap;

use signalr_serverless::ConnectionId;
use slotmap::{Key as _, KeyData, SlotMap};

use super::wheel::Wheel;
use crate::{
    hub::connection::Connection,
    session::{Rules, Seconds},
};

slotmap::new_key_type! {
    /// Identifies a connection within its shard. The key of a removed connection is never used
    /// again.
    pub(super) struct Key;
}

impl Key {
    /// The key as a number. The numbers have the same order as the keys.
    pub(super) fn place(self) -> u64 {
        // Keys are ordered by the lower half of this number, then by the upper one.
        self.data().as_ffi().rotate_left(32)
    }

    pub(super) fn from_place(place: u64) -> Self {
        KeyData::from_ffi(place.rotate_left(32)).into()
    }
}

pub(super) struct Table {
    connections: SlotMap<Key, Connection>,
    /// Every connection, from the beginning of its transport to its end.
    by_id: HashMap<ConnectionId, Key>,
    wheel: Wheel<Key>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { connections: SlotMap::with_key(), by_id: HashMap::new(), wheel: Wheel::new() }
    }

    pub(super) fn insert(&mut self, connection: Connection) -> Key {
        let id = connection.identity.id.clone();
        let key = self.connections.insert(connection);
        self.by_id.insert(id, key);
        key
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Connection> {
        let connection = self.connections.remove(key)?;
        if self.find(&connection.identity.id) == Some(key) {
            self.by_id.remove(&connection.identity.id);
        }
        Some(connection)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Connection> {
        self.connections.get(key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Connection> {
        self.connections.get_mut(key)
    }

    pub(super) fn find(&self, id: &ConnectionId) -> Option<Key> {
        self.by_id.get(id).copied()
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.connections.keys().collect()
    }

    /// The connections for which bytes are held, each with the number of bytes.
    pub(super) fn held(&self) -> Vec<(usize, Key)> {
        let held = self.connections.iter().map(|(key, one)| (one.held(), key));
        held.filter(|(bytes, _)| *bytes > 0).collect()
    }

    /// How many connections, ids and timer entries there are.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.connections.len(), self.by_id.len(), self.wheel.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Schedules the next check of a connection.
    pub(super) fn schedule(&mut self, key: Key, now: Seconds, rules: &Rules) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.due = self.wheel.schedule(key, connection.deadline(now, rules));
        }
    }

    /// Takes the connections whose check is due now or was due before. An entry is ignored if its
    /// connection was scheduled for another second after it.
    pub(super) fn take_due(&mut self, now: Seconds) -> Vec<Key> {
        let mut due = self.wheel.advance(now);
        due.retain(|(at, key)| {
            let one = self.connections.get_mut(*key).filter(|one| one.due == *at);
            // The same second may be there twice. No entry is for second 0.
            one.map(|one| one.due = 0).is_some()
        });
        due.into_iter().map(|(_, key)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use signalr_serverless::HubName;

    use super::*;
    use crate::{
        admission::Admission, budget::QueueBudget, carrier::Carrier, config::Config,
        hub::work::NewConnection, identity::Identity, session::Terms,
    };

    fn connection(id: &str) -> Connection {
        let identity = Arc::new(Identity {
            id: ConnectionId::parse(id).unwrap(),
            hub: HubName::parse("chat").unwrap(),
            user: None,
        });
        let terms = Terms { handshake_timeout: Some(10), ..Terms::default() };
        let carrier = Carrier::Away;
        let place = Admission::new(None, None, Arc::default()).admit(&identity, None).unwrap();
        Connection::new(
            NewConnection {
                place,
                identity,
                terms,
                carrier,
                token: None,
                interests: Vec::new(),
                claims: crate::login::LoginClaims::default(),
                caller: None,
                app: None,
            },
            None,
            &QueueBudget::new(usize::MAX, Arc::default()),
            0,
        )
    }

    #[test]
    fn places_have_the_order_of_keys() {
        let mut table = Table::new();
        let mut keys: Vec<Key> =
            ["a", "b", "c"].into_iter().map(|id| table.insert(connection(id))).collect();
        table.remove(keys[0]);
        keys.push(table.insert(connection("d")));
        keys.sort();
        let places: Vec<u64> = keys.iter().map(|key| key.place()).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(keys.iter().all(|key| Key::from_place(key.place()) == *key));
    }

    #[test]
    fn a_connection_is_found_until_it_is_removed() {
        let (mut table, id) = (Table::new(), ConnectionId::parse("a").unwrap());
        let key = table.insert(connection("a"));
        assert_eq!(table.find(&id), Some(key));
        assert!(table.remove(key).is_some() && table.remove(key).is_none());
        assert!(table.find(&id).is_none() && table.get(key).is_none() && table.is_empty());
    }

    #[test]
    fn an_id_stays_with_its_newest_connection() {
        let (mut table, id) = (Table::new(), ConnectionId::parse("a").unwrap());
        let older = table.insert(connection("a"));
        let newer = table.insert(connection("a"));
        table.remove(older);
        assert_eq!(table.find(&id), Some(newer));
    }

    #[test]
    fn a_connection_that_was_scheduled_anew_comes_up_once() {
        let (mut table, rules) = (Table::new(), Config::default().rules());
        let key = table.insert(connection("a"));
        table.schedule(key, 0, &rules);
        table.get_mut(key).unwrap().session.close(None, true, 0);
        table.schedule(key, 0, &rules);
        assert_eq!(table.take_due(4), []);
        table.schedule(key, 0, &rules);
        assert_eq!(table.take_due(5), [key]);
        assert_eq!(table.take_due(60), []);
    }

    #[test]
    fn a_connection_that_was_scheduled_twice_for_a_second_comes_up_once() {
        let (mut table, rules) = (Table::new(), Config::default().rules());
        let key = table.insert(connection("a"));
        table.schedule(key, 0, &rules);
        table.schedule(key, 0, &rules);
        assert_eq!(table.take_due(60), [key]);
    }

    #[test]
    fn a_connection_that_is_gone_does_not_come_up() {
        let (mut table, rules) = (Table::new(), Config::default().rules());
        let key = table.insert(connection("a"));
        table.schedule(key, 0, &rules);
        table.remove(key);
        assert_eq!(table.take_due(60), []);
    }
}
