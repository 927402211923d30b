//! What an operator is told: lines of JSON on standard error, which every platform gathers.

use serde_json::json;

/// What failed for a reason that its caller cannot put right, or whose caller is not there to be
/// told: the event or the call, and why.
#[expect(clippy::print_stderr, reason = "both platforms gather standard error")]
pub fn failed(what: &str, reason: &str) {
    eprintln!("{}", json!({ "level": "ERROR", "event": what, "message": reason }));
}
