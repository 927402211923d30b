//! What an operator is told: lines of JSON on standard error, which every platform gathers.

use serde_json::{Map, Value, json};

/// What failed for a reason that its caller cannot put right, or whose caller is not there to be
/// told: the event or the call, and why.
#[expect(clippy::print_stderr, reason = "both platforms gather standard error")]
pub fn failed(what: &str, reason: &str) {
    eprintln!("{}", json!({ "level": "ERROR", "event": what, "message": reason }));
}

/// How a call was answered that its caller follows, with the fields of the service's log.
#[expect(clippy::print_stderr, reason = "both platforms gather standard error")]
pub(crate) fn answered(call: &str, status: u16, span: &Map<String, Value>) {
    let message = "a call was answered";
    let line = json!({ "level": "INFO", "event": call, "status": status, "span": span, "message": message });
    eprintln!("{line}");
}
