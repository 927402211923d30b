//! The time of sessions.

/// Whole seconds since the service started.
pub(crate) type Seconds = u32;
