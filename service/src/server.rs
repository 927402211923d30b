//! The running service: its ports, and everything that happens from the start to the end.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::Router;
use http::Request;
use signalr_http_client::SetupError;
use signalr_http_server::{
    Limits as ServerLimits, ListenError, RequestBody, Security, SocketPlaces, serve_with,
};
use signalr_serverless::AccessKey;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, interval, sleep_until, timeout_at},
};
use tower::{Layer, ServiceExt, service_fn, util::MapRequest};

use crate::{
    admin::Admin,
    admission::{Admission, Calls},
    app_server::AppServers,
    auth::{KeyRing, Verifier},
    broker::{self, About, Broker, BrokerError},
    budget::QueueBudget,
    clock::Clock,
    cluster::{self, Cluster, Relays, replies},
    config::Config,
    connect_rate::ConnectRate,
    cors,
    counters::Counters,
    dashboard::{self, Dashboard, DashboardRoutes},
    drain::{Drain, Stage},
    free_memory, header_limit,
    hub::{Hubs, shard::Shared},
    probes,
    records::Records,
    request_path::RequestPaths,
    rest, server_connection,
    shard_of::ShardOf,
    state::State,
    store::{BrokerStore, DataError, DiskStore, Store},
    tokens::ConnectionTokens,
    transport,
    upstream::{Limits, Replies, Reply, Upstream},
};

/// A checked token is kept for this time after its last use, and for twice as long at most.
const TOKEN_AGE: Duration = Duration::from_secs(5);

/// A service that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no key that tokens could be checked with.
    #[error("the service has no access key; give it at least one")]
    NoAccessKey,
    /// A port cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The port for operators cannot be opened.
    #[error(transparent)]
    ListenAdmin(ListenError),
    /// The machine has no thread to give.
    #[error("cannot start the shards: {0}")]
    Shards(io::Error),
    /// The broker of the cluster cannot be used.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// App servers are to serve hubs of a cluster.
    #[error(
        "service mode Default needs a node without a broker: app servers cannot serve the clients of a cluster yet"
    )]
    AppServersOfCluster,
    /// The folder for what lasts cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Neither an upstream nor an issuer can be called.
    #[error(transparent)]
    HttpClient(#[from] SetupError),
}

/// A service whose ports are open.
pub struct Service {
    state: Arc<State>,
    paths: RequestPaths,
    counters: Arc<Counters>,
    drain: Drain,
    key_changes: Option<watch::Receiver<Vec<AccessKey>>>,
    security: Security,
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    preview_addresses: Vec<SocketAddr>,
    admin: Admin,
    dashboard: Option<Arc<Dashboard>>,
    upstream: Option<Upstream>,
    /// What the upstream answers to clients, apart for each shard.
    replies: Vec<mpsc::Receiver<Reply>>,
    /// What comes from other nodes.
    broker: Option<broker::Running>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Config {
    /// Opens the ports and starts the shards. Connections wait until the service runs.
    ///
    /// # Errors
    ///
    /// [`StartError`] if a port cannot be opened, or the machine has no thread to give.
    pub async fn bind(self) -> Result<Service, StartError> {
        Service::bind(self).await
    }
}

impl Service {
    async fn bind(config: Config) -> Result<Self, StartError> {
        let Some(keys) = KeyRing::new(&config.access_keys) else {
            return Err(StartError::NoAccessKey);
        };
        if config.broker.is_some() && config.service_modes.need_app_servers() {
            return Err(StartError::AppServersOfCluster);
        }
        let mut listeners = config.listen.bind().await?;
        let own_addresses = addresses(&listeners);
        let admin_listeners = match config.admin_listen {
            Some(listen) => listen.bind().await.map_err(StartError::ListenAdmin)?,
            None => Vec::new(),
        };
        let preview_listeners = match config.preview_listen {
            Some(listen) => listen.bind().await?,
            None => Vec::new(),
        };
        let preview_addresses = addresses(&preview_listeners);
        listeners.extend(preview_listeners);
        let counters = Arc::new(Counters::of(SocketPlaces::new(config.sockets.clone())));
        let records = Records { counters: Arc::clone(&counters), ..Records::default() };
        let clock = Clock::start();
        let shard_of = ShardOf::new(config.shard_count());
        let (answers, replies) = Replies::new(shard_of.clone());
        let http = signalr_http_client::client(&config.trust)?;
        let upstream = config.upstream.clone().map(|settings| {
            let limits = Limits {
                time: config.timeouts.upstream,
                requests: config.max_upstream_requests,
                waiting_bytes_in_all: config.max_upstream_bytes,
                ..Limits::default()
            };
            let http = http.clone();
            Upstream::new(settings, keys.clone(), limits, http, answers, records.clone())
        });
        let (broker, frames) = match &config.broker {
            Some(settings) => {
                let address = own_addresses.first().map(ToString::to_string).unwrap_or_default();
                let (broker, running) =
                    Broker::start(settings, About::new(address, Arc::clone(&counters))).await?;
                (Some(broker), Some(running))
            }
            None => (None, None),
        };
        let store = match (&broker, &config.data) {
            (Some(broker), _) => Store::Broker(BrokerStore::new(broker.clone())),
            (None, Some(folder)) => Store::Disk(DiskStore::open(folder)?),
            (None, None) => Store::default(),
        };
        let queue_budget = QueueBudget::new(config.max_queued_bytes_in_all, Arc::clone(&counters));
        let app_servers =
            Arc::new(AppServers::new(config.max_server_connections, config.service_modes.clone()));
        let shared = Shared {
            app_servers: Arc::clone(&app_servers),
            rules: Arc::new(config.rules()),
            max_queued: config.max_queued_bytes,
            queue_budget: queue_budget.clone(),
            store: Arc::new(store),
            records: records.clone(),
            has_dashboard: config.dashboard.is_some(),
            upstream: upstream.clone(),
            broker: broker.clone(),
            clock,
        };
        let hubs = Arc::new(Hubs::start(shard_of, &shared).map_err(StartError::Shards)?);
        let paths = RequestPaths::new(&config.names);
        let mut verifier = Verifier::new(keys.clone(), config.lenient)
            .with_names(config.names.clone(), paths.clone());
        if let Some(issuer) = config.entra.clone() {
            verifier = verifier.with_entra(issuer, http);
        }
        let state = Arc::new(State {
            cluster: Cluster::new(Arc::clone(&hubs), broker),
            hubs,
            app_servers,
            tokens: ConnectionTokens::default(),
            admission: Admission::new(
                config.max_connections,
                config.max_connections_per_user,
                Arc::clone(&counters),
            ),
            connect_rate: config
                .max_connect_rate
                .map(|rate| ConnectRate::new(rate, Instant::now())),
            calls: Calls::new(config.max_calls, Arc::clone(&counters)),
            queue_budget,
            verifier,
            keys,
            is_lenient: config.lenient,
            has_upstream: upstream.is_some(),
            max_client_message: config.max_client_message,
            max_queued: config.max_queued_bytes,
            clock,
            counters: Arc::clone(&counters),
            timings: records.timings,
            trace: records.trace,
            stage: Stage::default(),
            scheme: if config.tls.is_some() { "https" } else { "http" },
            invocation_timeout: config.timeouts.invocation,
        });
        let dashboard = config.dashboard.map(|page| {
            let place =
                dashboard::Place { addresses: own_addresses.clone(), broker: config.broker };
            Arc::new(Dashboard::new(Arc::clone(&state), upstream.clone(), page, place))
        });
        let admin = Admin::new(
            Arc::clone(&state),
            upstream.clone(),
            admin_listeners,
            config.admin_hosts,
            dashboard.clone(),
        );
        Ok(Self {
            state,
            paths,
            counters,
            drain: config.drain,
            key_changes: config.key_changes,
            security: config.tls.map_or(Security::Plain, Security::Tls),
            listeners,
            addresses: own_addresses,
            preview_addresses,
            admin,
            dashboard,
            upstream,
            replies,
            broker: frames,
        })
    }

    /// The addresses that the service listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The addresses that serve API v1-preview besides.
    #[must_use]
    pub fn preview_addresses(&self) -> &[SocketAddr] {
        &self.preview_addresses
    }

    /// The addresses of the port for operators.
    #[must_use]
    pub fn admin_addresses(&self) -> &[SocketAddr] {
        self.admin.addresses()
    }

    /// The dashboard, if there is one, under `/dashboard`: it is on the port for operators, and may be
    /// on another port of the caller's besides.
    #[must_use]
    pub fn dashboard(&self) -> Option<DashboardRoutes> {
        let router = self.admin.dashboard()?;
        Some(DashboardRoutes::new(router, self.state.trace.clone()))
    }

    /// What the service counts.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Serves until `shutdown` is ready. Then clients are told to come back, nothing new is taken,
    /// and what is under way is finished, as [`Drain`] says.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let paths = self.paths;
        let routes = router(Arc::clone(&self.state));
        // One service around the router instead of layers of it: each of those is copied with all below
        // it for each request.
        let app = cors::layer().layer(service_fn(move |request: Request<RequestBody>| {
            let routes = routes.clone();
            async move {
                match header_limit::refusal(request.headers()) {
                    Some(refusal) => Ok(refusal),
                    None => routes.oneshot(request).await,
                }
            }
        }));
        // Before the routes, which know one spelling only.
        let app = MapRequest::new(app, move |request| paths.rewrite(request));
        let limits = ServerLimits { drain_time: self.drain.deadline, ..ServerLimits::default() };
        let mut expiry = JoinSet::new();
        expiry.spawn(free_memory::give_back());
        expiry.spawn(keep_time(Arc::clone(&self.state)));
        if let Some(changes) = self.key_changes {
            expiry.spawn(self.state.keys.clone().follow(changes));
        }
        let mut replies = JoinSet::new();
        for queue in self.replies {
            let state = Arc::clone(&self.state);
            replies.spawn(async move {
                replies::deliver(&state.cluster, &state.counters, queue).await;
            });
        }
        let mut nodes = JoinSet::new();
        if let (Some(running), Cluster::Joined(joined)) = (self.broker, &self.state.cluster) {
            let (relays, relayed) = Relays::new(transport::busy_answer());
            nodes.spawn(cluster::run(joined.clone(), running, relays));
            nodes.spawn(transport::serve_relayed(Arc::clone(&self.state), relayed));
        }
        // Operators see the end too.
        let mut admin = JoinSet::new();
        admin.spawn(self.admin.run());
        if let Some(dashboard) = self.dashboard {
            admin.spawn(async move { dashboard.keep_history().await });
        }
        let (told, are_told) = oneshot::channel();
        let ending = async {
            shutdown.await;
            self.state.drain(self.drain, told).await;
        };
        let deadline = self.drain.deadline;
        let end = async {
            // It is told before the server can end.
            let _ = are_told.await;
            Instant::now() + deadline
        };
        let serving =
            serve_with(self.listeners, self.security, self.counters.places(), app, limits, ending);
        let end = served_until(serving, end).await;
        expiry.abort_all();
        if let Some(upstream) = self.upstream
            && timeout_at(end, upstream.idle()).await.is_err()
        {
            tracing::warn!("events for the upstream were cut off");
        }
        replies.abort_all();
        if let Cluster::Joined(joined) = &self.state.cluster {
            joined.broker().leave().await;
        }
        nodes.abort_all();
    }
}

/// Waits for the server, or for the end that `end` says when it is known. Returns that end.
async fn served_until(
    serving: impl Future<Output = ()>,
    end: impl Future<Output = Instant>,
) -> Instant {
    let mut serving = pin!(serving);
    let end = tokio::select! {
        // The end is known before the server has ended.
        biased;
        end = end => end,
        () = &mut serving => return Instant::now(),
    };
    tokio::select! {
        () = serving => {}
        () = sleep_until(end) => tracing::warn!("transports and requests were cut off"),
    }
    end
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}

fn router(state: Arc<State>) -> Router {
    rest::router(state.is_lenient)
        .merge(transport::router())
        .merge(server_connection::router())
        .merge(probes::router())
        .with_state(state)
}

/// Ends what has a time limit and no owner of its own.
async fn keep_time(state: Arc<State>) {
    let mut seconds = interval(Duration::from_secs(1));
    let mut ages = interval(TOKEN_AGE);
    loop {
        tokio::select! {
            _ = seconds.tick() => {}
            _ = ages.tick() => {
                state.keys.current().checked.age();
                continue;
            }
        }
        state.tokens.expire();
        if state.hubs.user_groups.expire(SystemTime::now()).await.is_err() {
            return;
        }
    }
}
