//! Counts the messages that were accepted for clients. A message counts once, for any number of
//! receivers.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use signalr_serverless::HubName;

use super::{
    command::{Action, Step},
    counts::{ByTarget, TargetKind},
    message::Message,
};

/// How many hubs are counted separately between two reads.
const MOST_HUBS: usize = 1000;

/// The accepted messages for each kind of target, and for each hub if hubs are counted.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    by_target: ByTarget<Count>,
    by_hub: Option<ByHub>,
}

/// The messages of each hub since the last read.
#[derive(Debug, Default)]
struct ByHub(
    // Held for short synchronous sections only.
    Mutex<HashMap<HubName, u64>>,
);

#[derive(Debug, Default)]
struct Count {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Taken {
    /// Begins with zero. `by_hub` says whether hubs are counted separately.
    pub(super) fn new(by_hub: bool) -> Self {
        Self { by_hub: by_hub.then(ByHub::default), ..Self::default() }
    }

    /// Counts the messages of an action.
    pub(super) fn action(&self, hub: &HubName, action: &Action) {
        match action {
            Action::Send { recipients, message } => {
                self.message(hub, (&recipients.target).into(), message);
            }
            Action::Execute { steps, .. } => {
                for step in steps {
                    if let Step::Send(message) = step {
                        self.message(hub, TargetKind::Filter, message);
                    }
                }
            }
            Action::Close { .. } | Action::Groups { .. } => {}
        }
    }

    pub(super) fn message(&self, hub: &HubName, kind: TargetKind, message: &Message) {
        if let Some(by_hub) = &self.by_hub {
            by_hub.add(hub);
        }
        let Count { messages, bytes } = self.by_target.get(kind);
        messages.fetch_add(1, Relaxed);
        bytes.fetch_add(message.bytes() as u64, Relaxed);
    }

    /// The number of messages for a kind of target, and their bytes.
    pub(crate) fn get(&self, kind: TargetKind) -> (u64, u64) {
        let Count { messages, bytes } = self.by_target.get(kind);
        (messages.load(Relaxed), bytes.load(Relaxed))
    }

    /// The messages of each hub since the last read, for the hubs that are counted separately.
    pub(crate) fn take_by_hub(&self) -> HashMap<HubName, u64> {
        let Some(ByHub(by_hub)) = &self.by_hub else { return HashMap::new() };
        std::mem::take(&mut *by_hub.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ByHub {
    fn add(&self, hub: &HubName) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(hub) {
            *count += 1;
        } else if counts.len() < MOST_HUBS {
            counts.insert(hub.clone(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_of_hubs_is_counted_from_look_to_look() {
        let (taken, none) = (Taken::new(true), Taken::new(false));
        let hub = |number| HubName::parse(&format!("hub{number}")).unwrap();
        let message =
            Message::new(crate::hub::message::Content::Encoded { json: None, message_pack: None });
        for number in 0..5000 {
            taken.message(&hub(number), TargetKind::Hub, &message);
            taken.message(&hub(7), TargetKind::Group, &message);
            none.message(&hub(7), TargetKind::Group, &message);
        }
        let counts = taken.take_by_hub();
        assert_eq!((counts.len(), counts[&hub(7)]), (MOST_HUBS, 5001));
        assert!(taken.take_by_hub().is_empty() && none.take_by_hub().is_empty());
        assert_eq!(taken.get(TargetKind::Hub).0, 5000);
    }
}
