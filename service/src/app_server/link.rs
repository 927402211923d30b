//! One server connection, for all code except its own task.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use signalr_server_protocol::{ConnectionKind, MigrationLevel};
use signalr_serverless::HubName;

use super::queue::AppQueue;

/// An open server connection.
#[derive(Debug)]
pub(crate) struct AppLink {
    /// The number of the connection. No other connection ever gets this number.
    pub(crate) number: u64,
    pub(crate) hub: HubName,
    /// The name of the app server. All its connections have the same name.
    pub(crate) server: String,
    pub(crate) kind: ConnectionKind,
    /// When its clients may be moved to another app server.
    pub(crate) migration: MigrationLevel,
    pub(crate) queue: Arc<AppQueue>,
    pub(super) clients: AtomicUsize,
    is_leaving: AtomicBool,
}

/// The purpose of a server connection, from its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) kind: ConnectionKind,
    pub(crate) migration: MigrationLevel,
}

impl AppLink {
    pub(super) fn new(
        number: u64,
        hub: HubName,
        server: String,
        role: Role,
        queue: Arc<AppQueue>,
    ) -> Self {
        let Role { kind, migration } = role;
        let (clients, is_leaving) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { number, hub, server, kind, migration, queue, clients, is_leaving }
    }

    /// Whether the connection can have clients at all. Weak connections only send messages.
    pub(super) fn carries_clients(&self) -> bool {
        match self.kind {
            ConnectionKind::Default | ConnectionKind::OnDemand => true,
            ConnectionKind::Weak => false,
        }
    }

    /// Whether the connection accepts new clients.
    pub(super) fn takes_clients(&self) -> bool {
        self.carries_clients() && !self.is_leaving.load(SeqCst)
    }

    /// How many clients the connection has.
    pub(crate) fn clients(&self) -> usize {
        self.clients.load(SeqCst)
    }

    /// Notes that the app is stopping, so that the connection gets no new clients.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, SeqCst);
    }
}
