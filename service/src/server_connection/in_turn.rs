//! The changes of users' groups that an app asks for. The store may wait for the broker or for a
//! disk, and the app's other messages must not wait for that. So the changes are carried out one
//! after the other beside the other messages. A message that concerns a group waits for the changes
//! of this group that came before it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::BoxFuture;
use signalr_serverless::GroupName;
use tokio::sync::{Notify, mpsc};

/// How many changes may wait.
const WAITING: usize = 1024;

/// The changes of one server connection.
pub(super) struct InTurn {
    queue: mpsc::Sender<BoxFuture<'static, ()>>,
    open: Arc<Open>,
}

/// The groups whose changes are not done.
#[derive(Default)]
struct Open {
    // Held for short synchronous sections only.
    groups: Mutex<Groups>,
    changed: Notify,
}

#[derive(Default)]
struct Groups {
    changes: HashMap<GroupName, usize>,
    /// How many changes concern all groups.
    of_all: usize,
}

/// The groups that a change or another message concerns.
#[derive(Clone, Debug)]
pub(super) enum Concerned {
    /// It asks something, and changes no group.
    None,
    One(GroupName),
    All,
}

impl InTurn {
    /// Makes the queue and the task that carries out the changes. The task ends with the last change
    /// after the queue is dropped.
    pub(super) fn new() -> Self {
        let (queue, mut changes) = mpsc::channel::<BoxFuture<'static, ()>>(WAITING);
        tokio::spawn(async move {
            while let Some(change) = changes.recv().await {
                change.await;
            }
        });
        Self { queue, open: Arc::default() }
    }

    /// Carries out a change after the earlier ones. Waits first while too many changes wait.
    pub(super) async fn push(
        &self,
        concerned: Concerned,
        change: impl Future<Output = ()> + Send + 'static,
    ) {
        let change_is_open = ChangeIsOpen::begin(&self.open, concerned);
        let change = async move {
            let _open = change_is_open;
            change.await;
        };
        // The task lives as long as the queue, unless a change panicked.
        let _ = self.queue.send(Box::pin(change)).await;
    }

    /// Waits until the earlier changes of these groups are done.
    pub(super) async fn done(&self, concerned: &Concerned) {
        loop {
            let changed = self.open.changed.notified();
            if self.open.lock().are_done(concerned) {
                return;
            }
            changed.await;
        }
    }
}

impl Groups {
    fn are_done(&self, concerned: &Concerned) -> bool {
        match concerned {
            Concerned::None => true,
            Concerned::One(group) => self.of_all == 0 && !self.changes.contains_key(group),
            Concerned::All => self.of_all == 0 && self.changes.is_empty(),
        }
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a change until it is done or dropped.
struct ChangeIsOpen {
    open: Arc<Open>,
    concerned: Concerned,
}

impl ChangeIsOpen {
    fn begin(open: &Arc<Open>, concerned: Concerned) -> Self {
        let mut groups = open.lock();
        match &concerned {
            Concerned::None => {}
            Concerned::One(group) => {
                let changes = groups.changes.entry(group.clone()).or_default();
                *changes = changes.saturating_add(1);
            }
            Concerned::All => groups.of_all = groups.of_all.saturating_add(1),
        }
        drop(groups);
        Self { open: Arc::clone(open), concerned }
    }
}

impl Drop for ChangeIsOpen {
    fn drop(&mut self) {
        let mut groups = self.open.lock();
        match &self.concerned {
            Concerned::None => {}
            Concerned::One(group) => {
                if let Some(changes) = groups.changes.get_mut(group) {
                    *changes = changes.saturating_sub(1);
                    if *changes == 0 {
                        groups.changes.remove(group);
                    }
                }
            }
            Concerned::All => groups.of_all = groups.of_all.saturating_sub(1),
        }
        drop(groups);
        self.open.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use futures_util::poll;
    use tokio::{sync::oneshot, time::timeout};

    use super::*;

    fn one(name: &str) -> Concerned {
        Concerned::One(GroupName::parse(name).unwrap())
    }

    #[tokio::test]
    async fn a_message_waits_for_the_changes_that_concern_its_group_and_for_no_others() {
        let in_turn = InTurn::new();
        let (first, may_end) = oneshot::channel::<()>();
        let wait = async move { drop(may_end.await) };
        in_turn.push(one("a"), wait).await;
        let (second, is_second) = oneshot::channel();
        in_turn.push(Concerned::All, async move { second.send(()).unwrap() }).await;
        in_turn.push(Concerned::None, async {}).await;
        assert!(poll!(pin!(in_turn.done(&one("a")))).is_pending());
        assert!(poll!(pin!(in_turn.done(&one("b")))).is_pending());
        assert!(poll!(pin!(in_turn.done(&Concerned::None))).is_ready());
        first.send(()).unwrap();
        is_second.await.unwrap();
        let done = async {
            for concerned in [one("a"), one("b"), Concerned::All] {
                in_turn.done(&concerned).await;
            }
        };
        timeout(Duration::from_secs(30), done).await.unwrap();
        let (third, may_end) = oneshot::channel::<()>();
        in_turn.push(one("a"), async move { drop(may_end.await) }).await;
        assert!(poll!(pin!(in_turn.done(&one("b")))).is_ready());
        assert!(poll!(pin!(in_turn.done(&Concerned::All))).is_pending());
        drop(third);
    }

    #[tokio::test]
    async fn the_changes_that_were_taken_are_made_after_the_app_has_gone() {
        let in_turn = InTurn::new();
        let (done, is_done) = oneshot::channel();
        in_turn.push(Concerned::All, tokio::task::yield_now()).await;
        in_turn.push(Concerned::All, async move { done.send(()).unwrap() }).await;
        drop(in_turn);
        timeout(Duration::from_secs(30), is_done).await.unwrap().unwrap();
    }
}
