//! The connected app servers: their server connections, the messages that wait for each one, and
//! the choice of a server connection for a client.
//!
//! A shard gives its clients to a server connection and passes their bytes to it. The task of the
//! server connection (`server_connection`) writes the bytes. This folder does not know the
//! connections of a hub, and has no sockets.

mod claims;
mod client;
mod guesses;
mod link;
mod mode;
mod questions;
mod queue;
mod registry;
mod seat;
mod sticky;

pub use self::mode::{ServiceMode, ServiceModes};
pub(crate) use self::{
    claims::with_long_names,
    client::{AppClient, OpenClient},
    guesses::{CLOSED_APP, NO_SERVER, NO_SERVER_STATUS, NOT_ANSWERED, UNKNOWN_CLIENT},
    link::{AppLink, Role},
    queue::{AppQueue, QueueEnd},
    registry::{AppServers, Serving},
    seat::Seat,
};
