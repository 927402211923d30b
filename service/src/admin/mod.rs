//! The port for operators: metrics, health and status, apart from the clients' port and its limits.
//!
//! It asks for no token, so it belongs where only operators are. What stands in the header Host is
//! checked, so that no web page in an operator's browser reaches it under a name of its own.

mod broker;
mod host;
mod hub_names;
mod metrics;
mod samples;
mod status;
mod view;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State as Extract,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use signalr_http_server::{Limits, Security, SocketLimits, SocketPlaces, serve_with};
use tokio::net::TcpListener;

use self::{host::Hosts, hub_names::HubNames, view::View};
use crate::{
    dashboard::{self, Dashboard},
    probes,
    state::State,
    upstream::Upstream,
};

/// How many connections the port takes.
const CONNECTIONS: usize = 64;

/// The port for operators, if there is one.
pub(crate) struct Admin {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    view: Arc<View>,
    hosts: Arc<Hosts>,
    dashboard: Option<Arc<Dashboard>>,
}

impl Admin {
    pub(crate) fn new(
        state: Arc<State>,
        upstream: Option<Upstream>,
        listeners: Vec<TcpListener>,
        hosts: Vec<String>,
        dashboard: Option<Arc<Dashboard>>,
    ) -> Self {
        let addresses = listeners.iter().filter_map(|one| one.local_addr().ok()).collect();
        let view = Arc::new(View { state, upstream, hub_names: HubNames::default() });
        Self { listeners, addresses, view, hosts: Arc::new(Hosts::new(hosts)), dashboard }
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The dashboard alone, if there is one, for a server of the caller's own.
    pub(crate) fn dashboard(&self) -> Option<Router> {
        let dashboard = dashboard::router(Arc::clone(self.dashboard.as_ref()?));
        Some(self.for_its_hosts(dashboard))
    }

    fn router(&self) -> Router {
        let router = router(Arc::clone(&self.view));
        self.for_its_hosts(match &self.dashboard {
            Some(dashboard) => router.merge(dashboard::router(Arc::clone(dashboard))),
            None => router,
        })
    }

    fn for_its_hosts(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(Arc::clone(&self.hosts), host::check))
    }

    /// Serves until it is dropped.
    pub(crate) async fn run(self) {
        if self.listeners.is_empty() {
            return;
        }
        let limits =
            SocketLimits { connections: CONNECTIONS, reserved: 0, ..SocketLimits::default() };
        let (app, places) = (self.router(), SocketPlaces::new(limits));
        let never = std::future::pending();
        serve_with(self.listeners, Security::Plain, places, app, Limits::default(), never).await;
    }
}

fn router(view: Arc<View>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(Arc::clone(&view))
        .merge(probes::router().with_state(Arc::clone(&view.state)))
}

async fn metrics(Extract(view): Extract<Arc<View>>) -> Response {
    match metrics::text(&view).await {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn status(Extract(view): Extract<Arc<View>>) -> Response {
    let status = status::Status::of(&view.state, view.upstream.as_ref());
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(status)).into_response()
}
