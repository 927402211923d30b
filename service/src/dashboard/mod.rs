//! The dashboard shows the service to operators who have logged in.
//!
//! It has a page, which the caller provides, and an API of JSON under `/dashboard/api/`. Everything except
//! the page and the login call needs a login. A call that changes something also needs the login's token.

mod attempts;
mod connection_string;
mod connections;
mod error;
mod files;
mod history;
mod live;
mod login;
mod names;
mod nodes;
mod overview;
mod page;
mod parameters;
mod send;
mod sizes;
mod view;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};

pub use self::files::{DashboardPage, PageFile};
pub(crate) use self::view::{Dashboard, Place};
use crate::trace::Trace;

/// The dashboard for the caller's own server.
#[derive(Clone, Debug)]
pub struct DashboardRoutes {
    router: Router,
    trace: Trace,
}

impl DashboardRoutes {
    pub(crate) fn new(router: Router, trace: Trace) -> Self {
        Self { router, trace }
    }

    /// The routes, all under `/dashboard`.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Ends the open live traces, so that a server does not wait for them.
    pub fn end_traces(&self) {
        self.trace.end();
    }
}

/// All routes of the dashboard.
pub(crate) fn router(dashboard: Arc<Dashboard>) -> Router {
    let for_operators = Router::new()
        .route("/dashboard/api/session", get(login::session))
        .route("/dashboard/api/logout", post(login::log_out))
        .route("/dashboard/api/overview", get(overview::overview))
        .route("/dashboard/api/history", get(overview::history))
        .route("/dashboard/api/hubs", get(names::hubs))
        .route("/dashboard/api/users", get(names::users))
        .route("/dashboard/api/groups", get(names::groups))
        .route("/dashboard/api/connections", get(connections::list))
        .route("/dashboard/api/connection", get(connections::one))
        .route("/dashboard/api/close", post(connections::close))
        .route("/dashboard/api/send", post(send::send))
        .route("/dashboard/api/connection-string", get(connection_string::get))
        .route("/dashboard/api/trace", get(live::trace))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&dashboard), login::check));
    Router::new()
        .route("/dashboard", get(page::to_the_page))
        .route("/dashboard/", get(page::index))
        .route("/dashboard/{*file}", get(page::file))
        .route("/dashboard/api/login", post(login::log_in))
        .merge(for_operators)
        .method_not_allowed_fallback(async || error::Error::method_not_allowed())
        .layer(middleware::map_response(page::secured))
        .with_state(dashboard)
}
