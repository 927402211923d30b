//! The limits of the service, as flags. Each has an environment variable of the same name.

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use clap::{Args, ValueEnum, value_parser};
use ipnet::IpNet;
use signalr_service::{Config, Drain, SilentClients, SocketLimits, Timeouts};

/// The flags of `signalr serve` that limit what callers may use.
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitFlags {
    /// Most sockets in all, of clients and REST callers [default: as many as files may be open]
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_SOCKETS",
        value_parser = value_parser!(u32).range(16..))]
    max_sockets: Option<u32>,

    /// Most connections from one address, or from one IPv6 network of 64 bits [default: any number]
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_CONNECTIONS_PER_ADDRESS",
        value_parser = value_parser!(u32).range(1..))]
    max_connections_per_address: Option<u32>,

    /// Proxy whose X-Forwarded-For says who calls, as an address or a network, repeatable
    #[arg(long, value_name = "CIDR", env = "SIGNALR_TRUSTED_PROXIES",
        value_delimiter = ',', value_parser = network)]
    trusted_proxy: Vec<IpNet>,

    /// Most clients that may connect in a second [default: any number]
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_CONNECT_RATE")]
    max_connect_rate: Option<NonZeroU32>,

    /// Most connections in all [default: as many as the machine has sockets for]
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_CONNECTIONS",
        value_parser = value_parser!(u32).range(1..))]
    max_connections: Option<u32>,

    /// Most connections of one user in one hub [default: any number]
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_CONNECTIONS_PER_USER",
        value_parser = value_parser!(u32).range(1..))]
    max_connections_per_user: Option<u32>,

    /// Most connections of app servers
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_SERVER_CONNECTIONS", default_value_t = 1000,
        value_parser = value_parser!(u32).range(1..))]
    max_server_connections: u32,

    /// Most REST calls at the same time
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_CALLS", default_value_t = 1024,
        value_parser = value_parser!(u32).range(1..))]
    max_calls: u32,

    /// Most messages that a client may send in a second
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_MESSAGES_PER_SECOND", default_value_t = 10_000,
        value_parser = value_parser!(u32).range(1..))]
    max_messages_per_second: u32,

    /// Most bytes that may wait for all clients together [default: a quarter of the memory]
    #[arg(long, value_name = "BYTES", env = "SIGNALR_MAX_QUEUED_BYTES_IN_ALL",
        value_parser = value_parser!(u64).range(1024 * 1024..))]
    max_queued_bytes_in_all: Option<u64>,

    /// Most requests at the same time to one upstream: a scheme, a host and a port
    #[arg(long, value_name = "COUNT", env = "SIGNALR_MAX_UPSTREAM_REQUESTS", default_value_t = 256,
        value_parser = value_parser!(u32).range(1..))]
    max_upstream_requests: u32,

    /// Most bytes of events that wait for upstreams or are being sent; one upstream may have half
    #[arg(long, value_name = "BYTES", env = "SIGNALR_MAX_UPSTREAM_BYTES", default_value_t = 64 * 1024 * 1024,
        value_parser = value_parser!(u64).range(4 * 1024 * 1024..))]
    max_upstream_bytes: u64,

    /// Seconds for an event to an upstream, including the wait for its turn
    #[arg(long, value_name = "SECONDS", env = "SIGNALR_UPSTREAM_TIMEOUT", default_value_t = 30,
        value_parser = value_parser!(u64).range(1..=600))]
    upstream_timeout: u64,

    /// Largest message that a client may send, in bytes
    #[arg(long, value_name = "BYTES", env = "SIGNALR_MAX_MESSAGE_BYTES", default_value_t = 1024 * 1024,
        value_parser = value_parser!(u32).range(1024..=64 * 1024 * 1024))]
    max_message_bytes: u32,

    /// Most bytes that may wait for one client; if more wait, its connection is closed
    #[arg(long, value_name = "BYTES", env = "SIGNALR_MAX_QUEUED_BYTES", default_value_t = 8 * 1024 * 1024,
        value_parser = value_parser!(u32).range(64 * 1024..=1024 * 1024 * 1024))]
    max_queued_bytes: u32,

    /// Seconds from the start of a transport to the client's handshake
    #[arg(long, value_name = "SECONDS", env = "SIGNALR_HANDSHAKE_TIMEOUT", default_value_t = 15,
        value_parser = value_parser!(u64).range(1..=600))]
    handshake_timeout: u64,

    /// Seconds without a message after which a ping is sent
    #[arg(long, value_name = "SECONDS", env = "SIGNALR_KEEP_ALIVE", default_value_t = 15,
        value_parser = value_parser!(u64).range(1..=600))]
    keep_alive: u64,

    /// Seconds of silence after which a client that has sent a ping is closed
    #[arg(long, value_name = "SECONDS", env = "SIGNALR_CLIENT_TIMEOUT", default_value_t = 30,
        value_parser = value_parser!(u64).range(1..=3600))]
    client_timeout: u64,

    /// What happens to clients that never send a ping
    #[arg(long, value_enum, value_name = "WHAT", env = "SIGNALR_SILENT_CLIENTS", default_value_t = OnSilence::Keep)]
    silent_clients: OnSilence,

    /// Seconds that a client has to answer an invocation by REST
    #[arg(long, value_name = "SECONDS", env = "SIGNALR_INVOCATION_TIMEOUT", default_value_t = 60,
        value_parser = value_parser!(u64).range(1..=3600))]
    invocation_timeout: u64,

    /// Seconds from the first signal until the first client is told to reconnect; /ready answers 503
    /// from the signal on
    #[arg(long, value_name = "SECONDS", env = "SIGNALR_DRAIN_DELAY", default_value_t = 0,
        value_parser = value_parser!(u64).range(0..=3600))]
    drain_delay: u64,

    /// Seconds over which the clients are told to reconnect at the end; few clients take less
    #[arg(long, value_name = "SECONDS", env = "SIGNALR_DRAIN_SPREAD", default_value_t = 5,
        value_parser = value_parser!(u64).range(0..=3600))]
    drain_spread: u64,

    /// Seconds from the last such message to the end of the process
    #[arg(long, value_name = "SECONDS", env = "SIGNALR_DRAIN_TIMEOUT", default_value_t = 10,
        value_parser = value_parser!(u64).range(1..=3600))]
    drain_timeout: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnSilence {
    /// They stay; the network reports it if they are gone
    Keep,
    /// The client timeout applies to them too
    Close,
}

impl LimitFlags {
    /// Adds these limits to a configuration.
    pub(crate) fn apply(&self, config: Config, sockets: usize) -> Config {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Config {
            sockets: SocketLimits {
                per_address: self.max_connections_per_address.map(count),
                trusted_proxies: self.trusted_proxy.clone(),
                ..socket_limits(self.max_sockets.map_or(sockets, count))
            },
            max_connect_rate: self.max_connect_rate,
            max_connections: self.max_connections.map(count),
            max_connections_per_user: self.max_connections_per_user.map(count),
            max_upstream_requests: count(self.max_upstream_requests),
            max_upstream_bytes: usize::try_from(self.max_upstream_bytes).unwrap_or(usize::MAX),
            max_server_connections: count(self.max_server_connections),
            max_calls: count(self.max_calls),
            max_messages_per_second: self.max_messages_per_second,
            max_queued_bytes_in_all: self
                .max_queued_bytes_in_all
                .map_or(config.max_queued_bytes_in_all, |bytes| {
                    usize::try_from(bytes).unwrap_or(usize::MAX)
                }),
            max_client_message: self.max_message_bytes as usize,
            max_queued_bytes: self.max_queued_bytes as usize,
            silent_clients: match self.silent_clients {
                OnSilence::Keep => SilentClients::Keep,
                OnSilence::Close => SilentClients::Close,
            },
            timeouts: Timeouts {
                handshake: Duration::from_secs(self.handshake_timeout),
                keep_alive: Duration::from_secs(self.keep_alive),
                client: Duration::from_secs(self.client_timeout),
                invocation: Duration::from_secs(self.invocation_timeout),
                upstream: Duration::from_secs(self.upstream_timeout),
                ..config.timeouts
            },
            drain: Drain {
                delay: Duration::from_secs(self.drain_delay),
                spread: Duration::from_secs(self.drain_spread),
                deadline: Duration::from_secs(self.drain_timeout),
            },
            ..config
        }
    }
}

/// The limits for this number of sockets. Some of them are reserved for operators.
pub(crate) fn socket_limits(connections: usize) -> SocketLimits {
    let defaults = SocketLimits::default();
    SocketLimits { connections, reserved: defaults.reserved.min(connections / 8), ..defaults }
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse().map(|address: IpAddr| address.into()));
    network.map_err(|_| {
        format!("'{text}' is neither an address nor a network; write 10.0.0.1 or 10.0.0.0/8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for (text, expected) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), expected);
        }
        for bad in ["", "10.0.0.0/33", "proxy.example", "10.0.0.1:80"] {
            assert!(network(bad).unwrap_err().contains(bad), "{bad}");
        }
    }

    #[test]
    fn an_eighth_of_few_sockets_is_kept_back() {
        for (sockets, reserved) in [(16, 2), (160, 20), (20_000, 64)] {
            assert_eq!(socket_limits(sockets).reserved, reserved, "{sockets}");
        }
    }
}
