//! How clients reach the service: negotiation, then a transport that moves bytes.

pub(crate) mod endpoint;
pub(crate) mod negotiate;
pub(crate) mod tokens;
pub(crate) mod websocket;

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, post},
};

use crate::state::State;

/// The routes of the client endpoint.
pub(crate) fn router() -> Router<Arc<State>> {
    let connect = any(websocket::upgrade::connect);
    Router::new()
        .route("/client/negotiate", post(negotiate::negotiate).fallback(negotiate::only_post))
        .route("/client/", connect.clone())
        .route("/client", connect)
}
