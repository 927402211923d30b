//! The live trace: shows events to viewers as they happen.
//!
//! Without viewers an event costs one load of an atomic number; nothing is built or locked.

mod event;
mod filter;
mod viewers;

use std::{fmt, sync::Arc};

use self::viewers::{MOST_VIEWERS, Viewers};
pub(crate) use self::{
    event::{Event, Kind},
    filter::Filter,
    viewers::{Seen, Watching},
};

/// The place to report events. Clones share the viewers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Arc<Viewers>);

/// The error if the most allowed viewers already watch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_VIEWERS} viewers watch the trace already; close one of them")]
pub(crate) struct TooManyViewers;

impl Trace {
    /// Whether there is a viewer.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.count() > 0
    }

    /// Shows an event to the viewers that want it. The event is built only if there is a viewer.
    pub(crate) fn note<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        if self.is_watched() {
            self.show(&event());
        }
    }

    /// Shows that a token was refused, with the reason.
    pub(crate) fn refused(&self, hub: Option<&str>, why: &dyn fmt::Display) {
        if self.is_watched() {
            let what = Some(&*why.to_string());
            self.show(&Event { kind: Kind::Refused, hub, what, ..Event::default() });
        }
    }

    fn show(&self, event: &Event<'_>) {
        self.0.show(event);
    }

    /// Begins a watch. It ends when the result is dropped.
    pub(crate) fn watch(&self, filter: Filter) -> Result<Watching, TooManyViewers> {
        Viewers::watch(&self.0, filter).ok_or(TooManyViewers)
    }

    /// Ends every current watch.
    pub(crate) fn end(&self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests;
