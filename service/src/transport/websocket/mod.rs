//! The WebSocket transport: the upgrade by HTTP, then frames on the bare socket.

mod decoder;
pub(crate) mod frame;
pub(crate) mod socket;
pub(crate) mod upgrade;
