//! The log for the operator. Its lines have the form of the service's log.

use std::fmt::Display;

use tracing::Span;

use super::followed::Followed;

/// What failed for a reason that its caller cannot put right, or whose caller is not there to be
/// told: the event or the call, and why.
pub fn failed(what: &str, reason: &str) {
    tracing::error!(event = what, "{reason}");
}

/// The span of a call: every line in it has the fields for following the call.
pub(crate) fn span(followed: &Followed) -> Span {
    if !followed.is_followed() {
        return Span::none();
    }
    tracing::info_span!("call", request_id = followed.request_id(), trace_id = followed.trace_id())
}

/// Logs the answer to a call. A call that nobody follows is logged only for debugging.
pub(crate) fn answered(call: &impl Display, status: u16, is_followed: bool) {
    match is_followed {
        true => tracing::info!(event = &*call.to_string(), status, "a call was answered"),
        false => tracing::debug!(event = &*call.to_string(), status, "a call was answered"),
    }
}
