//! The limits of the whole service, and how much of each is in use.

use crate::{state::State, upstream::Upstream};

/// A limit and its use now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) most: u64,
    pub(crate) used: u64,
}

impl Limit {
    fn is_reached(&self) -> bool {
        self.used >= self.most
    }
}

/// All limits that the service has as a whole.
pub(crate) fn all(state: &State, upstream: Option<&Upstream>) -> Vec<Limit> {
    let mut all = of_clients(state);
    let limit =
        |name, most: usize, used: usize| Limit { name, most: most as u64, used: used as u64 };
    all.push(limit("calls", state.calls.limit(), state.calls.under_way()));
    let app_servers = &state.app_servers;
    let open = usize::try_from(app_servers.counts().open()).unwrap_or(usize::MAX);
    all.push(limit("server_connections", app_servers.most(), open));
    if let Some(upstream) = upstream {
        all.push(limit("upstream_bytes", upstream.max_bytes(), upstream.waiting().bytes));
    }
    all
}

/// Those that a client meets.
fn of_clients(state: &State) -> Vec<Limit> {
    let places = state.counters.places();
    let sockets = places.limits();
    let for_clients = sockets.connections.saturating_sub(sockets.reserved);
    let limit =
        |name, most: usize, used: usize| Limit { name, most: most as u64, used: used as u64 };
    let mut all = vec![
        limit("sockets", for_clients, places.counts().open),
        limit("held_bytes", state.queue_budget.limit(), state.counters.queued_bytes()),
    ];
    if let Some(most) = state.admission.limit() {
        all.push(limit("connections", most, state.admission.open()));
    }
    all
}

/// Why balancers are to send clients elsewhere, if they are: `shutdown`, `broker`, or a
/// limit.
pub(crate) fn not_ready(state: &State) -> Option<&'static str> {
    if !state.stage.is_ready() {
        return Some("shutdown");
    }
    // No client can connect while other nodes are out of reach.
    if state.cluster.is_whole() { reached(state) } else { Some("broker") }
}

/// The limit that is reached, if one is that clients meet.
fn reached(state: &State) -> Option<&'static str> {
    let reached = of_clients(state).into_iter().find(Limit::is_reached);
    reached.map(|limit| limit.name)
}
