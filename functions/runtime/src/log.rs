//! What the platforms' logs are told: lines of JSON on standard error.

use serde_json::json;

/// A message of a trigger that was not sent on, and why.
#[expect(clippy::print_stderr, reason = "both platforms gather standard error")]
pub(crate) fn event_failed(id: &str, reason: &str) {
    eprintln!("{}", json!({ "level": "ERROR", "event": id, "message": reason }));
}
