//! `/status`: the service in one JSON document.

use serde::Serialize;

use crate::{
    limits::{self, Limit},
    state::State,
    upstream::Upstream,
};

/// The document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    version: &'static str,
    uptime_seconds: u32,
    ready: bool,
    /// Why `/ready` is 503: `shutdown`, or the limit that is reached.
    not_ready_because: Option<&'static str>,
    connections: u64,
    limits: Vec<LimitStatus>,
}

#[derive(Serialize)]
struct LimitStatus {
    name: &'static str,
    limit: u64,
    used: u64,
}

impl Status {
    pub(super) fn of(state: &State, upstream: Option<&Upstream>) -> Self {
        let not_ready = limits::not_ready(state);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: state.clock.now(),
            ready: not_ready.is_none(),
            not_ready_because: not_ready,
            connections: state.counters.connections(),
            limits: limits::all(state, upstream).into_iter().map(LimitStatus::from).collect(),
        }
    }
}

impl From<Limit> for LimitStatus {
    fn from(Limit { name, most, used }: Limit) -> Self {
        Self { name, limit: most, used }
    }
}
