//! What a place to look for a user gives.

use serde_json::{Map, Value};

/// A user, and all claims that are known.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) user: Option<String>,
    pub(super) claims: Map<String, Value>,
}
