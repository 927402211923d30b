//! The messages that were taken for clients, each once however many get it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    command::{Action, Step},
    counts::{ByTarget, TargetKind},
    message::Message,
};

/// What was taken for each kind of target.
#[derive(Debug, Default)]
pub(crate) struct Taken(ByTarget<Count>);

#[derive(Debug, Default)]
struct Count {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Taken {
    /// Counts the messages of an action.
    pub(super) fn action(&self, action: &Action) {
        match action {
            Action::Send { recipients, message } => {
                self.message((&recipients.target).into(), message);
            }
            Action::Execute { steps, .. } => {
                for step in steps {
                    if let Step::Send(message) = step {
                        self.message(TargetKind::Filter, message);
                    }
                }
            }
            Action::Close { .. } | Action::Groups { .. } => {}
        }
    }

    pub(super) fn message(&self, kind: TargetKind, message: &Message) {
        let Count { messages, bytes } = self.0.get(kind);
        messages.fetch_add(1, Relaxed);
        bytes.fetch_add(message.bytes() as u64, Relaxed);
    }

    /// The messages for a kind of target, and their bytes.
    pub(crate) fn get(&self, kind: TargetKind) -> (u64, u64) {
        let Count { messages, bytes } = self.0.get(kind);
        (messages.load(Relaxed), bytes.load(Relaxed))
    }
}
