//! The services that a message of an Azure Functions worker names in `endpoints`, as the binding
//! `signalREndpoints` gave them.

use serde::Deserialize;

use crate::call::field::Field;

/// Which services an item is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Endpoints(Field<Vec<Endpoint>>);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Endpoint {
    #[serde(alias = "Endpoint")]
    endpoint: String,
}

impl Endpoints {
    /// Checks that the one service there is, is among them. Left out and `null` are every service.
    ///
    /// # Errors
    ///
    /// What came, for an item that is for others alone.
    pub fn check(&self, ours: &str) -> Result<(), String> {
        let Field::Value(named) = &self.0 else { return Ok(()) };
        let plain = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
        if named.iter().any(|named| plain(&named.endpoint) == plain(ours)) {
            return Ok(());
        }
        Err(format!("endpoints do not name {ours}, the one service here; leave endpoints out"))
    }
}
