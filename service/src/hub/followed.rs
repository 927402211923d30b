//! A message that is followed. When all shards have carried out its command, the log and its trace
//! report the number of deliveries.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use signalr_traces::Step;
use tracing::{Level, Span};

use super::counts::TargetKind;

/// The deliveries of one command. It is dropped together with the command, which is when the last
/// shard has carried it out. The log then reports their number.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The call that brought the command.
    call: Span,
    step: Option<Step>,
    to: TargetKind,
    deliveries: AtomicU64,
}

impl Followed {
    /// `None` unless the log has such lines or spans are sent. Without these, deliveries have no
    /// extra cost.
    pub(crate) fn begin(to: TargetKind) -> Option<Self> {
        let step = Step::begin("deliver");
        (step.is_some() || tracing::enabled!(Level::INFO)).then(|| Self {
            call: Span::current(),
            step,
            to,
            deliveries: AtomicU64::new(0),
        })
    }

    /// Counts the deliveries of one shard.
    pub(crate) fn delivered(&self, deliveries: usize) {
        self.deliveries.fetch_add(deliveries as u64, Relaxed);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let (to, deliveries) = (self.to.name(), *self.deliveries.get_mut());
        self.call.in_scope(|| tracing::info!(to, deliveries, "a message was delivered"));
        if let Some(step) = &self.step {
            step.note_text("signalr.to", to);
            step.note("signalr.deliveries", i64::try_from(deliveries).unwrap_or(i64::MAX));
        }
    }
}
