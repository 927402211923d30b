//! What the handlers of the port for operators see.

use std::sync::Arc;

use super::hub_names::HubNames;
use crate::{state::State, upstream::Upstream};

/// The running service, as operators see it.
pub(super) struct View {
    pub(super) state: Arc<State>,
    pub(super) upstream: Option<Upstream>,
    pub(super) hub_names: HubNames,
}
