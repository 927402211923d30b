//! What balancers and process managers ask: statuses only, with no token and no body.
//!
//! `/api/health` beside them is Azure's, and says what Azure's says.

use std::sync::Arc;

use axum::{Router, extract::State as Extract, routing::get};
use http::{StatusCode, header};

use crate::{limits, state::State};

/// `/live` is 200 for as long as anything is answered; `/ready` is 503 once the end was asked for, while
/// a limit is reached that clients meet, and while the broker of a cluster is away, since no client can
/// connect then.
pub(crate) fn router() -> Router<Arc<State>> {
    Router::new().route("/live", get(live)).route("/ready", get(ready))
}

/// No answer may be kept: the next one may be another.
type Answer = (StatusCode, [(header::HeaderName, &'static str); 1]);

async fn live() -> Answer {
    answer(StatusCode::OK)
}

async fn ready(Extract(state): Extract<Arc<State>>) -> Answer {
    answer(if limits::not_ready(&state).is_none() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    })
}

fn answer(status: StatusCode) -> Answer {
    (status, [(header::CACHE_CONTROL, "no-store")])
}
