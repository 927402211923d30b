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

    /// Address of that port, such as 0.0.0.0 [default: this machine only]. Let only operators reach it
    #[arg(long, value_name = "ADDRESS", env = "SIGNALR_ADMIN_IP")]
    admin_ip: Option<IpAddr>,

    /// Host name that callers may use for that port, repeatable; localhost and addresses always
    /// work
    #[arg(long, value_name = "NAME", env = "SIGNALR_ADMIN_HOSTS", value_delimiter = ',')]
    admin_host: Vec<String>,
}

impl AdminFlags {
    /// The address to listen on; `None` without a port for operators.
    pub(crate) fn listen(&self) -> Option<Listen> {
        self.admin_port.map(|port| match self.admin_ip {
            Some(ip) => Listen::Address((ip, port).into()),
            None => Listen::Loopback { port },
        })
    }

    /// The host names that callers may use for the port.
    pub(crate) fn into_hosts(self) -> Vec<String> {
        self.admin_host
    }
}
