//! What the lines of all connections share.

use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use super::{call::Calls, event::Reply, settings::Settings};

pub(super) struct Deliveries {
    pub(super) settings: watch::Receiver<Settings>,
    pub(super) calls: Calls,
    pub(super) replies: mpsc::Sender<Reply>,
    /// Where lines run, so that no shard does.
    pub(super) runtime: Handle,
    /// How many lines have events.
    pub(super) busy: watch::Sender<usize>,
}
