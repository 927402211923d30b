//! The flags of `signalr bench`.

use std::path::PathBuf;

use clap::{Args, value_parser};

use crate::{
    access::{HubFlag, OutputFlags, ServiceFlags},
    client::{ProtocolFlag, TransportFlag},
};

/// Load a SignalR service, check what it delivers, and measure how fast
#[derive(Args, Debug)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(super) service: ServiceFlags,

    #[command(flatten)]
    pub(super) hub: HubFlag,

    /// URL of a hub, instead of a connection string. The hub's method --method must call the method
    /// 'bench' of every client with the same arguments
    #[arg(long, conflicts_with_all = ["connection_string", "hub", "groups"])]
    pub(super) url: Option<String>,

    /// Method of that hub
    #[arg(long, default_value = "broadcast", requires = "url")]
    pub(super) method: String,

    /// How many connections
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=50_000))]
    pub(super) connections: u32,

    /// How many groups to divide the connections into; messages go to each group in turn; 0 sends to everybody
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u32).range(..=10_000))]
    pub(super) groups: u32,

    /// How many senders; each sends one message after the other
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u32).range(1..=1_000))]
    pub(super) senders: u32,

    /// Messages a second, of all senders together
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(super) rate: u32,

    /// Bytes of text in each message
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(..=1_000_000))]
    pub(super) size: u32,

    /// How many seconds to send
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=86_400))]
    pub(super) duration: u32,

    /// Transport to use
    #[arg(long, value_enum, default_value_t = TransportFlag::Websockets)]
    pub(super) transport: TransportFlag,

    /// Encoding of messages
    #[arg(long, value_enum, default_value_t = ProtocolFlag::Json)]
    pub(super) protocol: ProtocolFlag,

    /// Process id of the server on this machine; its CPU time and memory are measured
    #[arg(long)]
    pub(super) pid: Option<u32>,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Draw the latency over time, as SVG
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,
}

impl Bench {
    pub(super) fn output(&self) -> OutputFlags {
        OutputFlags { json: self.json, dry_run: false }
    }
}
