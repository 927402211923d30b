//! The overview of the service: counts, rates, limits and nodes.

use std::sync::Arc;

use axum::{Json, extract::State as Extract};
use serde::Serialize;

use super::{
    error::Error,
    history::{self, Point},
    nodes::Node,
    parameters::Parameters,
    view::Dashboard,
};
use crate::{
    cluster::Cluster,
    limits::{self, Limit},
};

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    version: &'static str,
    uptime_seconds: u32,
    ready: bool,
    not_ready_because: Option<&'static str>,
    hubs: usize,
    connections: usize,
    users: usize,
    groups: usize,
    /// The newest point of the history.
    rates: Option<Point>,
    limits: Vec<LimitUse>,
    /// This node, if there are several.
    node: Option<String>,
    /// All nodes, if there are several. Everything else here is about this node.
    nodes: Vec<Node>,
    /// Whether the other nodes cannot be listed.
    nodes_unknown: bool,
}

#[derive(Serialize)]
struct LimitUse {
    name: &'static str,
    limit: u64,
    used: u64,
}

/// `GET /dashboard/api/overview`
pub(super) async fn overview(
    Extract(dashboard): Extract<Arc<Dashboard>>,
) -> Result<Json<Overview>, Error> {
    let state = &dashboard.state;
    let sizes = dashboard.sizes.get(&state.cluster).await?;
    let not_ready = limits::not_ready(state);
    let limits = limits::all(state, dashboard.upstream.as_ref()).into_iter();
    let nodes = dashboard.nodes.get().await;
    Ok(Json(Overview {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: state.clock.now(),
        ready: not_ready.is_none(),
        not_ready_because: not_ready,
        hubs: sizes.len(),
        connections: sizes.values().map(|size| size.connections).sum(),
        users: sizes.values().map(|size| size.users).sum(),
        groups: sizes.values().map(|size| size.groups).sum(),
        rates: dashboard.history.newest(),
        limits: limits
            .map(|Limit { name, most, used }| LimitUse { name, limit: most, used })
            .collect(),
        node: match &state.cluster {
            Cluster::Alone(_) => None,
            Cluster::Joined(joined) => Some(joined.broker().node().to_string()),
        },
        nodes_unknown: nodes.is_none(),
        nodes: nodes.unwrap_or_default(),
    }))
}

/// The answer: points that are `step` seconds apart.
#[derive(Serialize)]
pub(super) struct Points {
    step: u64,
    points: Vec<Point>,
}

/// `GET /dashboard/api/history`
pub(super) async fn history(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    parameters: Parameters,
) -> Result<Json<Points>, Error> {
    let after = match parameters.text("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Error::bad(format!("after: '{text}' is not a time in whole seconds since 1970"))
        })?,
    };
    Ok(Json(Points { step: history::STEP.as_secs(), points: dashboard.history.since(after) }))
}
