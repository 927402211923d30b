//! The port for operators, as flags.

use std::net::IpAddr;

use clap::Args;
use signalr_service::Listen;

/// The flags of `signalr serve` that open a port for operators.
#[derive(Args, Debug)]
#[command(next_help_heading = "Operators")]
pub(crate) struct AdminFlags {
    /// Port for operators: /metrics, /status, /live and /ready, without a token; 0 picks a free one
    /// [default: none]
    #[arg(long, value_name = "PORT", env = "SIGNALR_ADMIN_PORT")]
    admin_port: Option<u16>,

    /// Address of that port, such as 0.0.0.0; without it this machine only. Let operators alone reach it
    #[arg(long, value_name = "ADDRESS", env = "SIGNALR_ADMIN_IP")]
    admin_ip: Option<IpAddr>,

    /// Name under which that port may be reached, besides localhost and any address, repeatable
    #[arg(long, value_name = "NAME", env = "SIGNALR_ADMIN_HOSTS", value_delimiter = ',')]
    admin_host: Vec<String>,
}

impl AdminFlags {
    /// Where to listen, if anywhere.
    pub(crate) fn listen(&self) -> Option<Listen> {
        self.admin_port.map(|port| match self.admin_ip {
            Some(ip) => Listen::Address((ip, port).into()),
            None => Listen::Loopback { port },
        })
    }

    /// The names under which it may be reached.
    pub(crate) fn into_hosts(self) -> Vec<String> {
        self.admin_host
    }
}
