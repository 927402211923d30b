//! The service's token. Stock clients without their own token send it when they reconnect. It is not
//! a login: it says only that the client was accepted before.

use axum::http::{HeaderMap, header};
use signalr_serverless::Negotiator;

use super::bearer::bearer;

/// Removes the token from the request, so that no place to look for a user sees it.
pub(super) fn remove(headers: &mut HeaderMap, negotiator: &Negotiator) {
    let is_own = |token| negotiator.signed_for_clients(token);
    if matches!(bearer(headers), Ok(Some(token)) if is_own(token)) {
        headers.remove(header::AUTHORIZATION);
    }
}
