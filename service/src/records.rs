//! What is noted while the service runs.

use std::sync::Arc;

use crate::{counters::Counters, timings::Timings, trace::Trace};

/// Counts, times of calls, and who watches. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    pub(crate) counters: Arc<Counters>,
    pub(crate) timings: Arc<Timings>,
    pub(crate) trace: Trace,
}
