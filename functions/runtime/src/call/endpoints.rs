//! The services that a message of an Azure Functions worker names in `endpoints`, in the form of
//! the binding `signalREndpoints`.

use serde::Deserialize;

use crate::call::field::Field;

/// The services for which an item is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Endpoints(Field<Vec<Endpoint>>);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Endpoint {
    #[serde(alias = "Endpoint")]
    endpoint: String,
}

impl Endpoints {
    /// Checks that our service is among them. A missing field and `null` mean every service.
    ///
    /// # Errors
    ///
    /// A text with the named services, if the item is only for others.
    pub fn check(&self, ours: &str) -> Result<(), String> {
        let Field::Value(named) = &self.0 else { return Ok(()) };
        let plain = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
        if named.iter().any(|named| plain(&named.endpoint) == plain(ours)) {
            return Ok(());
        }
        Err(format!("endpoints do not name {ours}, the one service here; leave endpoints out"))
    }
}
