//! How many connections and calls there may be at once.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use signalr_http_server::Counted;
use signalr_serverless::{HubName, UserId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{counters::Counters, identity::Identity};

/// Admits connections up to a bound, and each user's up to another. Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Admission(Arc<Inner>);

struct Inner {
    limit: usize,
    limit_per_user: Option<usize>,
    open: AtomicUsize,
    /// The open connections of each user, if there is a bound. Held for short synchronous sections
    /// only.
    users: Mutex<HashMap<(HubName, UserId), usize>>,
    counters: Arc<Counters>,
}

/// Why a connection is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("the service has as many connections as it may have; try again later")]
    Service,
    #[error("the user has as many connections as a user may have; close one")]
    User,
    #[error("the caller has as many connections as one address may have; close one")]
    Address,
    #[error("more clients connect than may in a second; try again later")]
    Rate,
    #[error("the last places are not for clients; try again later")]
    Reserved,
}

/// One connection among those that may be open. It is given back when it is dropped.
pub(crate) struct Place {
    admission: Admission,
    identity: Arc<Identity>,
    /// Its place among the connections of an address, if a proxy stands between.
    _of_address: Option<Counted>,
}

impl Admission {
    pub(crate) fn new(
        limit: Option<usize>,
        limit_per_user: Option<usize>,
        counters: Arc<Counters>,
    ) -> Self {
        Self(Arc::new(Inner {
            limit: limit.unwrap_or(usize::MAX),
            limit_per_user,
            open: AtomicUsize::new(0),
            users: Mutex::default(),
            counters,
        }))
    }

    /// The bound of all connections, if there is one.
    pub(crate) fn limit(&self) -> Option<usize> {
        Some(self.0.limit).filter(|limit| *limit < usize::MAX)
    }

    /// How many connections have a place.
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Relaxed)
    }

    /// Admits a connection, which keeps the place for as long as it lasts.
    pub(crate) fn admit(
        &self,
        identity: &Arc<Identity>,
        of_address: Option<Counted>,
    ) -> Result<Place, Full> {
        let place = self.place(identity, of_address);
        if place.is_err() {
            self.0.counters.connection_refused();
        }
        place
    }

    fn place(&self, identity: &Arc<Identity>, of_address: Option<Counted>) -> Result<Place, Full> {
        let Inner { limit, limit_per_user, open, .. } = &*self.0;
        let more = |count| (count < *limit).then_some(count + 1);
        open.fetch_update(Relaxed, Relaxed, more).map_err(|_| Full::Service)?;
        if let (Some(limit), Some(user)) = (limit_per_user, &identity.user) {
            let mut users = self.0.users.lock().unwrap_or_else(PoisonError::into_inner);
            let count = users.entry((identity.hub.clone(), user.clone())).or_default();
            if *count >= *limit {
                open.fetch_sub(1, Relaxed);
                return Err(Full::User);
            }
            *count += 1;
        }
        let identity = Arc::clone(identity);
        Ok(Place { admission: self.clone(), identity, _of_address: of_address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Inner { limit_per_user, open, users, .. } = &*self.admission.0;
        open.fetch_sub(1, Relaxed);
        if let (Some(_), Some(user)) = (limit_per_user, &self.identity.user) {
            let key = (self.identity.hub.clone(), user.clone());
            let mut users = users.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(count) = users.get_mut(&key) else { return };
            *count = count.saturating_sub(1);
            if *count == 0 {
                users.remove(&key);
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

/// Admits REST calls up to a bound, so that callers who wait for a busy shard or a client's answer
/// are not without number.
#[derive(Clone)]
pub(crate) struct Calls {
    limit: usize,
    places: Arc<Semaphore>,
    counters: Arc<Counters>,
}

impl Calls {
    pub(crate) fn new(limit: usize, counters: Arc<Counters>) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self { limit, places: Arc::new(Semaphore::new(limit)), counters }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// How many calls have a place.
    pub(crate) fn under_way(&self) -> usize {
        self.limit.saturating_sub(self.places.available_permits())
    }

    /// A place for a call, which is given back when it is dropped.
    pub(crate) fn take(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.inspect_err(|_| self.counters.call_refused()).ok()
    }
}

#[cfg(test)]
mod tests {
    use signalr_serverless::ConnectionId;

    use super::*;

    fn identity(user: Option<&str>) -> Arc<Identity> {
        Arc::new(Identity {
            id: ConnectionId::parse("c").unwrap(),
            hub: HubName::parse("chat").unwrap(),
            user: user.map(|user| UserId::parse(user).unwrap()),
        })
    }

    fn admission(limit: usize, per_user: usize) -> Admission {
        Admission::new(Some(limit), Some(per_user), Arc::default())
    }

    #[test]
    fn places_have_a_bound_and_come_back() {
        let admission = admission(2, 9);
        let places =
            [None, Some("ann")].map(|user| admission.admit(&identity(user), None).unwrap());
        assert_eq!(admission.admit(&identity(None), None).err(), Some(Full::Service));
        drop(places);
        assert!(admission.admit(&identity(None), None).is_ok());
        assert_eq!(admission.0.counters.connections_refused(), 1);
    }

    #[test]
    fn a_user_at_its_bound_stops_nobody_else() {
        let admission = admission(9, 1);
        let ann = admission.admit(&identity(Some("ann")), None).unwrap();
        assert_eq!(admission.admit(&identity(Some("ann")), None).err(), Some(Full::User));
        let _others =
            [Some("bob"), None, None].map(|user| admission.admit(&identity(user), None).unwrap());
        assert_eq!(admission.0.open.load(Relaxed), 4);
        drop(ann);
        assert!(admission.admit(&identity(Some("ann")), None).is_ok());
    }

    #[test]
    fn nothing_stays_of_users_who_left() {
        let admission = admission(9, 2);
        for number in 0..1000 {
            let user = format!("user{number}");
            let _places = [0, 1].map(|_| admission.admit(&identity(Some(&user)), None).unwrap());
            assert!(admission.admit(&identity(Some(&user)), None).is_err());
        }
        assert_eq!(admission.0.open.load(Relaxed), 0);
        assert!(admission.0.users.lock().unwrap().is_empty());
    }
}
