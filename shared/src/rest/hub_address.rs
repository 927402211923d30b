//! The service and the hub of each call to a hub, its groups, users and connections.

use std::sync::Arc;

use super::{call::Call, settings::Settings};
use crate::{name::HubName, operation::Operation};

#[derive(Clone, Debug)]
pub(super) struct HubAddress {
    settings: Arc<Settings>,
    pub(super) hub: HubName,
}

impl HubAddress {
    pub(super) fn new(settings: Arc<Settings>, hub: HubName) -> Self {
        Self { settings, hub }
    }

    pub(super) fn call(&self, operation: Operation) -> Call<'_> {
        Call::new(&self.settings, operation).hub(&self.hub)
    }
}
