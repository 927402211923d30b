//! The calls that a client has still to answer when it moves from one node to another.
//!
//! Their callers wait at the node that it left. That node asks the new one for each answer, and the
//! client may be faster. So the new node waits for the answers as soon as the client arrives.

use std::{rc::Weak, time::Duration};

use tokio::{sync::oneshot, task::spawn_local, time::sleep};

use super::{state::Shard, table::Key};
use crate::hub::{answer::Answered, connection::Waiting, moving::Unanswered};

/// How long an answer is kept for a node that does not ask for it.
const KEPT: Duration = Duration::from_secs(5);

impl Shard {
    /// Takes the callers that wait for answers of the client.
    pub(super) fn take_callers(&mut self, key: Key) -> Unanswered {
        let Some(connection) = self.table.get_mut(key) else { return Vec::new() };
        let invocations = connection.invocations.take().map(|all| *all).unwrap_or_default();
        let callers = invocations.into_iter().map(|(id, waiting)| (id, waiting.answer));
        callers.filter(|(_, answer)| !answer.is_closed()).collect()
    }

    /// Waits for the client's answers to these calls, for a limited time.
    pub(super) fn expect_answers(&mut self, key: Key, invocations: Vec<String>) {
        if invocations.is_empty() {
            return;
        }
        for id in invocations {
            let (sender, answer) = oneshot::channel();
            if self.wait_for_answer(key, id.clone(), sender) {
                self.moved_answers.entry(key).or_default().insert(id, answer);
            }
        }
        let itself = Weak::clone(&self.itself);
        spawn_local(async move {
            sleep(KEPT).await;
            if let Some(shard) = itself.upgrade() {
                shard.borrow_mut().moved_answers.remove(&key);
            }
        });
    }

    /// Gives `answer` the client's answer to a call, which may be here already.
    pub(super) fn await_answer(
        &mut self,
        key: Key,
        invocation_id: String,
        mut answer: oneshot::Sender<Answered>,
    ) {
        let kept = self.moved_answers.get_mut(&key).and_then(|all| all.remove(&invocation_id));
        match kept {
            Some(kept) => drop(spawn_local(async move {
                tokio::select! {
                    answered = kept => {
                        if let Ok(answered) = answered {
                            // The caller may have stopped waiting.
                            let _ = answer.send(answered);
                        }
                    }
                    () = answer.closed() => {}
                }
            })),
            None if self.table.get(key).is_some_and(|one| one.session.arrives()) => {
                self.wait_for_answer(key, invocation_id, answer);
            }
            // The call is answered, or was never made.
            None => {}
        }
    }

    /// Returns `false` if a caller already waits for this answer.
    fn wait_for_answer(
        &mut self,
        key: Key,
        invocation_id: String,
        answer: oneshot::Sender<Answered>,
    ) -> bool {
        let Some(connection) = self.table.get_mut(key) else { return false };
        let invocations = connection.invocations.get_or_insert_default();
        if invocations.contains_key(&invocation_id) {
            return false;
        }
        let waiting = Waiting { answer, is_by_app: false, is_passed_on: false };
        invocations.insert(invocation_id, waiting);
        true
    }
}
