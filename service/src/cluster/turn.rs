//! Callers and moving connections take turns. A caller carries out its command here and then
//! publishes it, and no connection that the command may concern can move between these two steps.
//!
//! There is a fixed number of places for turns, and a hash selects the place of a connection, a
//! user or a hub. So a caller waits only for moves of connections that its command may concern, and
//! rarely for others.

use std::{
    array,
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use signalr_serverless::{ConnectionId, HubName, UserId};
use tokio::{
    sync::{Mutex, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    time::timeout,
};

use crate::{
    broker::Down,
    hub::command::{Action, GroupsOf, Target},
};

/// How long callers and connections may have to wait.
pub(super) const HELD: Duration = Duration::from_millis(250);

/// How many places there are.
const PLACES: usize = 64;

/// The connections that a command may concern.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) enum Concern<'a> {
    Connection(&'a HubName, &'a ConnectionId),
    User(&'a HubName, &'a UserId),
    /// Any connection of the hub.
    Hub(&'a HubName),
}

impl<'a> Concern<'a> {
    pub(super) fn of_target(hub: &'a HubName, target: &'a Target) -> Self {
        match target {
            Target::Connection(connection) => Self::Connection(hub, connection),
            Target::User(user) => Self::User(hub, user),
            Target::Hub | Target::Group(_) => Self::Hub(hub),
        }
    }

    pub(super) fn of_action(hub: &'a HubName, action: &'a Action) -> Self {
        match action {
            Action::Send { recipients, .. } | Action::Close { recipients, .. } => {
                Self::of_target(hub, &recipients.target)
            }
            Action::Groups { of: GroupsOf::Connection(connection), .. } => {
                Self::Connection(hub, connection)
            }
            Action::Groups { of: GroupsOf::User(user), .. } => Self::User(hub, user),
            Action::Execute { .. } => Self::Hub(hub),
        }
    }
}

/// The user of a connection that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UserOf {
    Known(Option<UserId>),
    /// A node of an older version does not name the user.
    NotNamed,
}

/// Decides whether callers or moving connections have their turn.
#[derive(Debug)]
pub(super) struct Turns {
    places: [Place; PLACES],
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Place {
    lock: Arc<RwLock<()>>,
    /// The turn of moving connections, for as long as one of them needs it. The lock is held while
    /// callers finish the work that they began.
    standing: Mutex<Weak<OwnedRwLockWriteGuard<()>>>,
    /// How many callers wait for moving connections.
    waiting: AtomicUsize,
}

/// While this exists, no connection moves that the caller's command may concern.
pub(super) type CallersTurn = OwnedRwLockReadGuard<()>;

/// While this exists, the callers whose commands may concern a connection wait.
#[derive(Debug)]
pub(super) struct StandStill {
    _turns: Vec<Arc<OwnedRwLockWriteGuard<()>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { places: array::from_fn(|_| Place::default()), hasher: RandomState::new() }
    }
}

impl Turns {
    /// Lets a caller begin. If it would have to wait too long, it begins anyway. Its message may
    /// then miss a client that moves at this moment, or reach it twice.
    pub(super) async fn begin(&self, concern: Concern<'_>) -> Option<CallersTurn> {
        let place = &self.places[self.place_of(concern)];
        match Arc::clone(&place.lock).try_read_owned() {
            Ok(turn) => Some(turn),
            Err(_) => timeout(HELD, place.wait_for_moves()).await.ok(),
        }
    }

    /// Waits for the callers that have begun and whose commands may concern the connection, and
    /// lets no new caller of this kind begin.
    pub(super) async fn stand_still(
        &self,
        hub: &HubName,
        connection: &ConnectionId,
        user: &UserOf,
    ) -> Result<StandStill, Down> {
        let places = self.places_of(hub, connection, user);
        let turns = async {
            let mut turns = Vec::with_capacity(places.len());
            // All connections wait for the places in the same order. So none waits for another one
            // that waits for it.
            for place in places {
                turns.push(self.places[place].stand_still().await);
            }
            turns
        };
        let _turns = timeout(HELD, turns).await.map_err(|_| Down)?;
        Ok(StandStill { _turns })
    }

    /// The places of a connection, in order, each once.
    fn places_of(
        &self,
        hub: &HubName,
        connection: &ConnectionId,
        user: &UserOf,
    ) -> BTreeSet<usize> {
        let own = [Concern::Connection(hub, connection), Concern::Hub(hub)];
        let of_user = match user {
            UserOf::NotNamed => return (0..PLACES).collect(),
            UserOf::Known(user) => user.as_ref().map(|user| Concern::User(hub, user)),
        };
        own.into_iter().chain(of_user).map(|concern| self.place_of(concern)).collect()
    }

    fn place_of(&self, concern: Concern<'_>) -> usize {
        let places = PLACES as u64;
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of places")]
        let place = (self.hasher.hash_one(concern) % places) as usize;
        place
    }
}

impl Place {
    async fn wait_for_moves(&self) -> CallersTurn {
        let _waiting = Waiting::begin(&self.waiting);
        Arc::clone(&self.lock).read_owned().await
    }

    /// Moving connections share a turn, so they do not wait for each other. If a caller waits, a
    /// connection that comes later waits behind this caller. So callers wait for one turn at most.
    async fn stand_still(&self) -> Arc<OwnedRwLockWriteGuard<()>> {
        let mut standing = self.standing.lock().await;
        if self.waiting.load(Relaxed) == 0
            && let Some(turn) = standing.upgrade()
        {
            return turn;
        }
        let turn = Arc::new(Arc::clone(&self.lock).write_owned().await);
        *standing = Arc::downgrade(&turn);
        turn
    }
}

/// Counts a caller that waits, until this is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    fn hub(number: usize) -> HubName {
        HubName::parse(&format!("hub{number}")).unwrap()
    }

    fn connection() -> ConnectionId {
        ConnectionId::parse("c").unwrap()
    }

    fn nobody() -> UserOf {
        UserOf::Known(None)
    }

    #[tokio::test(start_paused = true)]
    async fn connections_wait_for_callers_and_callers_for_connections_that_share_a_turn() {
        let (turns, hub, one) = (Turns::default(), hub(0), connection());
        let caller = turns.begin(Concern::Hub(&hub)).await;
        assert!(caller.is_some());
        let user = nobody();
        let mut standing = pin!(turns.stand_still(&hub, &one, &user));
        assert!(poll!(standing.as_mut()).is_pending());
        drop(caller);
        let first = standing.await.unwrap();
        let second = turns.stand_still(&hub, &one, &nobody()).await.unwrap();
        let mut caller = pin!(turns.begin(Concern::Hub(&hub)));
        assert!(poll!(caller.as_mut()).is_pending());
        drop(first);
        assert!(poll!(caller.as_mut()).is_pending());
        drop(second);
        assert!(caller.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_does_not_wait_for_connections_that_its_command_cannot_concern() {
        let (turns, one) = (Turns::default(), connection());
        let standing = turns.stand_still(&hub(0), &one, &nobody()).await.unwrap();
        // A few hubs may share the place of this one.
        let mut free = 0;
        for number in 1..100 {
            let hub = hub(number);
            free += usize::from(poll!(pin!(turns.begin(Concern::Hub(&hub)))).is_ready());
        }
        assert!(free > 50, "{free}");
        drop(standing);
    }

    /// With many connections that move one after the other, a caller waits for those that were
    /// there before it, and not for all.
    #[tokio::test(start_paused = true)]
    async fn a_caller_comes_before_the_connections_that_come_later() {
        let (turns, hub, one) = (Turns::default(), hub(0), connection());
        let first = turns.stand_still(&hub, &one, &nobody()).await.unwrap();
        let mut caller = pin!(turns.begin(Concern::Hub(&hub)));
        assert!(poll!(caller.as_mut()).is_pending());
        let user = nobody();
        let mut later = pin!(turns.stand_still(&hub, &one, &user));
        assert!(poll!(later.as_mut()).is_pending());
        drop(first);
        let caller = caller.await;
        assert!(caller.is_some());
        assert!(poll!(later.as_mut()).is_pending());
        drop(caller);
        assert!(later.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn every_caller_waits_for_a_connection_whose_user_is_not_named() {
        let (turns, hub, one) = (Turns::default(), hub(0), connection());
        let standing = turns.stand_still(&hub, &one, &UserOf::NotNamed).await.unwrap();
        let user = UserId::parse("ann").unwrap();
        assert!(poll!(pin!(turns.begin(Concern::User(&hub, &user)))).is_pending());
        drop(standing);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let (turns, hub, one) = (Turns::default(), hub(0), connection());
        let standing = turns.stand_still(&hub, &one, &nobody()).await;
        assert!(turns.begin(Concern::Hub(&hub)).await.is_none());
        drop(standing);
        let _caller = turns.begin(Concern::Hub(&hub)).await;
        let begin = tokio::time::Instant::now();
        let user = nobody();
        let (one, other) = tokio::join!(
            turns.stand_still(&hub, &one, &user),
            turns.stand_still(&hub, &one, &user)
        );
        assert_eq!((one.unwrap_err(), other.unwrap_err()), (Down, Down));
        assert_eq!(begin.elapsed(), HELD);
    }
}
