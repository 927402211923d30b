//! The WebSocket transport: the upgrade by HTTP, then frames on the bare socket.

pub(crate) mod decoder;
pub(crate) mod frame;
pub(crate) mod upgrade;
