//! The service's token, which stock clients without one of their own send when they reconnect. It is
//! no login: it says only that somebody was let in before.

use axum::http::{HeaderMap, header};
use signalr_serverless::Negotiator;

use super::bearer::bearer;

/// Takes the token out of the request, so that no place to look for a user sees it.
pub(super) fn remove(headers: &mut HeaderMap, negotiator: &Negotiator) {
    let is_own = |token| negotiator.signed_for_clients(token);
    if matches!(bearer(headers), Ok(Some(token)) if is_own(token)) {
        headers.remove(header::AUTHORIZATION);
    }
}
