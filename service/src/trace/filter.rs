//! The filter of a viewer's events.

use super::event::{Event, Kind};

/// The values that an event must have. A field that is `None` accepts everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) hub: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) connection: Option<String>,
    pub(crate) group: Option<String>,
    /// The wanted kinds. Empty means all kinds.
    pub(crate) kinds: Vec<Kind>,
}

impl Filter {
    pub(super) fn takes(&self, event: &Event<'_>) -> bool {
        let is = |wanted: &Option<String>, came: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| came == Some(wanted))
        };
        // The case of hub names does not matter, so they are kept in lower case.
        let hub = self.hub.as_deref();
        hub.is_none_or(|hub| event.hub.is_some_and(|came| came.eq_ignore_ascii_case(hub)))
            && is(&self.user, event.user)
            && is(&self.connection, event.connection)
            && is(&self.group, event.group)
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
    }
}
