//! The channels that this node subscribes. They have a holder on this node, or had one a short time
//! ago.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout},
};

use super::{channels::Name, health::Down};

/// How long a channel stays subscribed after its last holder is gone, because many holders come
/// back.
const LINGER: Duration = Duration::from_secs(5);

/// How long the broker may take to confirm a subscription.
const CONFIRM: Duration = Duration::from_secs(2);

/// The channels of this node. All clones share the same state.
#[derive(Clone, Debug)]
pub(super) struct Interests(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // Held for short synchronous sections only.
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    channels: HashMap<Name, Entry>,
    /// The channels to subscribe.
    added: Vec<Name>,
    /// The channels without a holder, with the time of the release.
    released: VecDeque<(Instant, Name)>,
}

#[derive(Debug, Default)]
struct Entry {
    holders: usize,
    /// How many holders hold the channel for something that has not arrived yet.
    expecting: usize,
    is_confirmed: bool,
    /// When the last holder of the latest ones released the channel.
    released: Option<Instant>,
    /// The callers that wait for the confirmation.
    waiting: Vec<oneshot::Sender<()>>,
}

/// Holds a subscription until it is dropped.
pub(crate) struct Interest {
    interests: Interests,
    name: Name,
}

impl Interests {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { table: Mutex::default(), changed: Notify::new() }))
    }

    pub(super) fn hold(&self, name: Name) -> Interest {
        if self.lock().hold(&name) {
            self.0.changed.notify_one();
        }
        Interest { interests: self.clone(), name }
    }

    /// Holds several channels. The new ones are subscribed together.
    pub(super) fn hold_all(&self, names: Vec<Name>) -> Vec<Interest> {
        let mut table = self.lock();
        let new = names.iter().filter(|name| table.hold(name)).count();
        drop(table);
        if new > 0 {
            self.0.changed.notify_one();
        }
        names.into_iter().map(|name| Interest { interests: self.clone(), name }).collect()
    }

    /// Whether a channel has a holder on this node, and nothing that it is held for is still
    /// expected.
    pub(super) fn holds(&self, name: &Name) -> bool {
        self.lock()
            .channels
            .get(name)
            .is_some_and(|entry| entry.holders > 0 && entry.expecting == 0)
    }

    /// Whether a channel has a holder on this node.
    pub(super) fn has_holder(&self, name: &Name) -> bool {
        self.lock().channels.get(name).is_some_and(|entry| entry.holders > 0)
    }

    /// Marks a held channel: the thing that it is held for has not arrived yet.
    pub(super) fn expect(&self, name: Name) -> Expected {
        let mut table = self.lock();
        table.channels.entry(Arc::clone(&name)).or_default().expecting += 1;
        Expected { interests: self.clone(), name }
    }

    pub(super) fn expects(&self, name: &Name) -> bool {
        self.lock().channels.get(name).is_some_and(|entry| entry.expecting > 0)
    }

    /// Waits until a subscription is confirmed, if there is one.
    pub(super) async fn confirmed(&self, name: &Name) -> Result<(), Down> {
        let confirmed = {
            let mut table = self.lock();
            match table.channels.get_mut(name) {
                Some(entry) if !entry.is_confirmed => {
                    let (waiting, confirmed) = oneshot::channel();
                    entry.waiting.retain(|one| !one.is_closed());
                    entry.waiting.push(waiting);
                    confirmed
                }
                _ => return Ok(()),
            }
        };
        match timeout(CONFIRM, confirmed).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Down),
        }
    }

    /// Waits until there are channels to subscribe.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Takes the channels to subscribe.
    pub(super) fn take_added(&self) -> Vec<Name> {
        std::mem::take(&mut self.lock().added)
    }

    /// Takes the channels to unsubscribe. They have had no holder for a while.
    pub(super) fn take_released(&self, now: Instant) -> Vec<Name> {
        let mut table = self.lock();
        let mut released = Vec::new();
        while table.released.front().is_some_and(|(since, _)| now >= *since + LINGER) {
            let Some((since, name)) = table.released.pop_front() else { break };
            // The channel may have a holder again, or may have had one since.
            let is_last = |entry: &Entry| entry.holders == 0 && entry.released == Some(since);
            if table.channels.get(&name).is_some_and(is_last) {
                table.channels.remove(&name);
                released.push(name);
            }
        }
        released
    }

    /// Notes that the broker has these subscriptions.
    pub(super) fn confirm(&self, names: &[Name]) {
        let mut table = self.lock();
        for name in names {
            let Some(entry) = table.channels.get_mut(name) else { continue };
            entry.is_confirmed = true;
            for waiting in entry.waiting.drain(..) {
                // The caller that waited may be gone.
                let _ = waiting.send(());
            }
        }
    }

    /// Notes that the broker has lost every subscription, so that all have to be made again.
    pub(super) fn lose(&self) {
        let mut table = self.lock();
        table.released.clear();
        table.channels.retain(|_, entry| entry.holders > 0);
        for entry in table.channels.values_mut() {
            entry.is_confirmed = false;
        }
        table.added = table.channels.keys().cloned().collect();
    }

    fn release(&self, name: &Name) {
        let mut table = self.lock();
        let Some(entry) = table.channels.get_mut(name) else { return };
        entry.holders = entry.holders.saturating_sub(1);
        if entry.holders == 0 {
            let (now, name) = (Instant::now(), Arc::clone(name));
            entry.released = Some(now);
            table.released.push_back((now, name));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Adds a holder. Returns whether the channel has to be subscribed for it.
    fn hold(&mut self, name: &Name) -> bool {
        let is_new = !self.channels.contains_key(name);
        self.channels.entry(Arc::clone(name)).or_default().holders += 1;
        if is_new {
            self.added.push(Arc::clone(name));
        }
        is_new
    }
}

impl Interest {
    /// Waits until the broker has the subscription.
    pub(crate) async fn confirmed(&self) -> Result<(), Down> {
        self.interests.confirmed(&self.name).await
    }
}

/// While this exists, the thing that a channel is held for has not arrived yet. Make it only while
/// the channel is held.
#[derive(Debug)]
pub(crate) struct Expected {
    interests: Interests,
    name: Name,
}

impl Drop for Expected {
    fn drop(&mut self) {
        if let Some(entry) = self.interests.lock().channels.get_mut(&self.name) {
            entry.expecting = entry.expecting.saturating_sub(1);
        }
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.interests.release(&self.name);
    }
}

impl std::fmt::Debug for Interest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interest")
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn name(text: &str) -> Name {
        text.as_bytes().into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_is_subscribed_once_and_given_up_a_while_after_its_last_holder() {
        let interests = Interests::new();
        let (first, second) = (interests.hold(name("a")), interests.hold(name("a")));
        assert_eq!(interests.take_added(), [name("a")]);
        drop(first);
        advance(LINGER).await;
        assert!(interests.take_released(Instant::now()).is_empty());
        drop(second);
        assert!(!interests.holds(&name("a")));
        assert!(interests.take_released(Instant::now()).is_empty());
        advance(LINGER).await;
        assert_eq!(interests.take_released(Instant::now()), [name("a")]);
        assert!(interests.lock().channels.is_empty() && interests.lock().released.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn channels_that_are_held_together_are_subscribed_together() {
        let interests = Interests::new();
        let first = interests.hold(name("a"));
        interests.take_added();
        let all = interests.hold_all(vec![name("a"), name("b"), name("c")]);
        assert_eq!(interests.take_added(), [name("b"), name("c")]);
        drop(first);
        assert!(interests.has_holder(&name("a")));
        drop(all);
        assert!(!interests.has_holder(&name("a")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_who_comes_back_keeps_the_subscription() {
        let interests = Interests::new();
        drop(interests.hold(name("a")));
        interests.take_added();
        interests.confirm(&[name("a")]);
        let held = interests.hold(name("a"));
        assert!(interests.take_added().is_empty());
        held.confirmed().await.unwrap();
        advance(LINGER).await;
        assert!(interests.take_released(Instant::now()).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_lingers_after_the_last_of_several_releases() {
        let interests = Interests::new();
        drop(interests.hold(name("a")));
        advance(LINGER / 2).await;
        drop(interests.hold(name("a")));
        advance(LINGER / 2).await;
        assert!(interests.take_released(Instant::now()).is_empty());
        advance(LINGER / 2).await;
        assert_eq!(interests.take_released(Instant::now()), [name("a")]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_on_with_the_confirmation_or_learns_that_there_is_none() {
        let interests = Interests::new();
        let held = interests.hold(name("a"));
        let (confirmed, ()) =
            tokio::join!(held.confirmed(), async { interests.confirm(&[name("a")]) });
        assert_eq!(confirmed, Ok(()));
        interests.lose();
        assert_eq!(interests.take_added(), [name("a")]);
        assert_eq!(held.confirmed().await, Err(Down));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_ten_thousand_that_came_and_went() {
        let interests = Interests::new();
        for number in 0..10_000 {
            drop(interests.hold(name(&number.to_string())));
        }
        interests.take_added();
        advance(LINGER).await;
        assert_eq!(interests.take_released(Instant::now()).len(), 10_000);
        let table = interests.lock();
        assert!(table.channels.is_empty() && table.added.is_empty() && table.released.is_empty());
    }
}
