//! What can be chosen about a service.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    thread,
    time::Duration,
};

use signalr_http_client::Trust;
use signalr_http_server::{Listen, SocketLimits, Tls};
use signalr_serverless::AccessKey;
use tokio::sync::watch;

use crate::{
    app_server::ServiceModes,
    auth::EntraIssuer,
    broker::BrokerSettings,
    dashboard::DashboardPage,
    drain::Drain,
    host_name::HostName,
    memory,
    session::{ClientMessages, Rules, Seconds, SilentClients},
    upstream,
};

/// The key of Microsoft's local emulator, so that its connection string works here too. Everybody
/// knows it: off this machine, use another.
pub const WELL_KNOWN_ACCESS_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// How a service is to run.
///
/// ```
/// use signalr_service::{Config, Listen};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let config = Config { listen: Listen::Loopback { port: 0 }, ..Config::default() };
/// let service = config.bind().await?;
/// println!("{:?}", service.addresses());
/// service.run(async {}).await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::exhaustive_structs, reason = "built with `..Config::default()`")]
pub struct Config {
    /// Where to listen. Default: port 8888 of this machine only.
    pub listen: Listen,
    /// Where to serve API v1-preview besides, which on Azure has port 5002. Default: nowhere.
    pub preview_listen: Option<Listen>,
    /// Where operators ask for metrics and the status. Default: nowhere.
    pub admin_listen: Option<Listen>,
    /// The names under which operators may reach that port, besides `localhost` and any address.
    pub admin_hosts: Vec<String>,
    /// The dashboard for operators, on that port under `/dashboard`. Default: none.
    pub dashboard: Option<DashboardPage>,
    /// TLS on the ports for clients. Default: none; a proxy in front may have it.
    pub tls: Option<Tls>,
    /// The keys that tokens may be signed with, the first for what the service signs itself.
    /// Default: [`WELL_KNOWN_ACCESS_KEY`].
    pub access_keys: Vec<AccessKey>,
    /// Access keys that replace those above each time the list changes. An empty list is ignored. Default:
    /// never.
    pub key_changes: Option<watch::Receiver<Vec<AccessKey>>>,
    /// Whose tokens REST callers may bring besides. Default: nobody's.
    pub entra: Option<EntraIssuer>,
    /// What happens to clients that send. Default: they are closed with the reason.
    pub client_messages: ClientMessages,
    /// What happens to clients that never send a ping. Default: they stay.
    pub silent_clients: SilentClients,
    /// Further names of the service, beside those that requests come with: what tokens may be for,
    /// and the paths that gateways leave in front of the service's. Default: none.
    pub names: Vec<HostName>,
    /// Whether tokens are good at any time and whatever host and port their audience names, and
    /// calls may have the paths of asrs-emulator. A client's token never calls REST, nor does a REST
    /// token connect. Default: no.
    pub lenient: bool,
    /// How many shards own the connections. Default: as many as there are cores.
    pub shards: Option<NonZeroUsize>,
    /// The most sockets, those of REST callers included, and the most from one address.
    pub sockets: SocketLimits,
    /// The most clients that may connect in a second. Default: any number.
    pub max_connect_rate: Option<NonZeroU32>,
    /// The most connections in all; `None` for as many as the machine has sockets for. Default: `None`.
    pub max_connections: Option<usize>,
    /// The most connections of one user in one hub. Default: any number.
    pub max_connections_per_user: Option<usize>,
    /// Whether app servers answer the clients of a hub. Default: while one is connected.
    pub service_modes: ServiceModes,
    /// The most server connections, which app servers open. Default: 1,000.
    pub max_server_connections: usize,
    /// The most REST calls that may be under way at once. Default: 1,024.
    pub max_calls: usize,
    /// The most messages that a client may send in a second. Default: 10,000.
    pub max_messages_per_second: u32,
    /// The most bytes that may wait for all clients together; past it those are closed that have
    /// most waiting. Default: a quarter of the memory.
    pub max_queued_bytes_in_all: usize,
    /// The most requests that may be under way at once to one upstream, which is a scheme, a host and a
    /// port. Default: 256.
    pub max_upstream_requests: usize,
    /// The most bytes of events that may wait for all upstreams or be under way. One upstream may
    /// have as many as it leaves free; past it calls are refused, and what else there is to report
    /// is left out. Default: 64 MiB.
    pub max_upstream_bytes: usize,
    /// The most bytes that may wait for one client before it is closed. Default: 8 MiB.
    pub max_queued_bytes: usize,
    /// The largest message that a client may send, in bytes. Default: 1 MiB.
    pub max_client_message: usize,
    /// Time limits, in whole seconds.
    pub timeouts: Timeouts,
    /// How long the steps of the end may take.
    pub drain: Drain,
    /// Where clients' events and calls go, as it changes. Default: nowhere.
    pub upstream: Option<watch::Receiver<upstream::Settings>>,
    /// Leads to the other nodes of a cluster. Default: none, one node alone.
    pub broker: Option<BrokerSettings>,
    /// The folder in which users' groups last, so that a restart keeps them. With a broker they are
    /// there instead. Default: none, they end with the process.
    pub data: Option<PathBuf>,
    /// Whom to trust in calls of upstreams and issuers. Default: the public authorities.
    pub trust: Trust,
}

/// The time limits of a connection. Parts of a second are dropped, and one second is the least.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "built with `..Timeouts::default()`")]
pub struct Timeouts {
    /// From the transport's beginning to the client's handshake. Default: 15 s.
    pub handshake: Duration,
    /// A ping is sent if nothing else was for this long. Default: 15 s.
    pub keep_alive: Duration,
    /// A client that sends nothing, not even pings, for this long is closed, once it has sent its
    /// first ping (see [`SilentClients`]). Default: 30 s.
    pub client: Duration,
    /// From the service's close to the transport's end. Default: 5 s.
    pub close: Duration,
    /// How long a client with stateful reconnect may take to come back. Default: 30 s.
    pub reconnect: Duration,
    /// How long a client may take from one long poll to the next. Default: 15 s.
    pub poll_gap: Duration,
    /// How long a client may take to answer an invocation by REST. Default: 60 s.
    pub invocation: Duration,
    /// How long an upstream may take for an event, with the wait for its turn. Default: 30 s.
    pub upstream: Duration,
}

impl Default for Config {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the constant is not empty")]
        let well_known = AccessKey::parse(WELL_KNOWN_ACCESS_KEY).expect("a key of 44 characters");
        Self {
            listen: Listen::Loopback { port: 8888 },
            preview_listen: None,
            admin_listen: None,
            admin_hosts: Vec::new(),
            dashboard: None,
            tls: None,
            access_keys: vec![well_known],
            key_changes: None,
            entra: None,
            client_messages: ClientMessages::default(),
            silent_clients: SilentClients::default(),
            names: Vec::new(),
            lenient: false,
            shards: None,
            sockets: SocketLimits::default(),
            max_connect_rate: None,
            max_upstream_requests: 256,
            max_upstream_bytes: 64 * 1024 * 1024,
            max_connections: None,
            max_connections_per_user: None,
            service_modes: ServiceModes::default(),
            max_server_connections: 1000,
            max_calls: 1024,
            max_messages_per_second: 10_000,
            max_queued_bytes_in_all: memory::quarter(),
            max_queued_bytes: 8 * 1024 * 1024,
            max_client_message: 1024 * 1024,
            timeouts: Timeouts::default(),
            drain: Drain::default(),
            upstream: None,
            broker: None,
            data: None,
            trust: Trust::default(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(15),
            keep_alive: Duration::from_secs(15),
            client: Duration::from_secs(30),
            close: Duration::from_secs(5),
            reconnect: Duration::from_secs(30),
            poll_gap: Duration::from_secs(15),
            invocation: Duration::from_secs(60),
            upstream: Duration::from_secs(30),
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("access_keys", &self.access_keys)
            .field("entra", &self.entra)
            .field("client_messages", &self.client_messages)
            .field("lenient", &self.lenient)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

impl Config {
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            handshake_timeout: seconds(self.timeouts.handshake),
            keep_alive: seconds(self.timeouts.keep_alive),
            client_timeout: seconds(self.timeouts.client),
            silent_clients: self.silent_clients,
            close_timeout: seconds(self.timeouts.close),
            reconnect_timeout: seconds(self.timeouts.reconnect),
            poll_gap: seconds(self.timeouts.poll_gap),
            max_message: self.max_client_message,
            max_messages_per_second: self.max_messages_per_second,
            client_messages: self.client_messages,
        }
    }

    pub(crate) fn shard_count(&self) -> NonZeroUsize {
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.shards.unwrap_or_else(cores)
    }
}

fn seconds(duration: Duration) -> Seconds {
    Seconds::try_from(duration.as_secs()).unwrap_or(Seconds::MAX).max(1)
}
