//! The running service: its ports, and everything that happens from the start to the end.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, middleware};
use signalr_http_client::SetupError;
use signalr_http_server::{
    Limits as ServerLimits, ListenError, Security, SocketPlaces, serve_with,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, interval, sleep_until, timeout_at},
};
use tower::util::MapRequest;

use crate::{
    admission::{Admission, Calls},
    auth::{ClientKeys, Verifier},
    budget::QueueBudget,
    clock::Clock,
    config::Config,
    connect_rate::ConnectRate,
    cors,
    counters::Counters,
    drain::{Drain, Stage},
    header_limit,
    hub::{Hubs, replies, shard::Shared},
    probes,
    request_path::RequestPaths,
    rest,
    shard_of::ShardOf,
    state::State,
    store::Store,
    tokens::ConnectionTokens,
    transport,
    upstream::{Limits, Replies, Reply, Upstream},
};

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
    /// The machine has no thread to give.
    #[error("cannot start the shards: {0}")]
    Shards(io::Error),
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
    security: Security,
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    preview_addresses: Vec<SocketAddr>,
    upstream: Option<Upstream>,
    /// What the upstream answers to clients, apart for each shard.
    replies: Vec<mpsc::Receiver<Reply>>,
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
        let Some(signing_key) = config.access_keys.first().cloned() else {
            return Err(StartError::NoAccessKey);
        };
        let mut listeners = config.listen.bind().await?;
        let own_addresses = addresses(&listeners);
        let preview_listeners = match config.preview_listen {
            Some(listen) => listen.bind().await?,
            None => Vec::new(),
        };
        let preview_addresses = addresses(&preview_listeners);
        listeners.extend(preview_listeners);
        let counters = Arc::new(Counters::of(SocketPlaces::new(config.sockets.clone())));
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
            let (http, counters) = (http.clone(), Arc::clone(&counters));
            Upstream::new(settings, &config.access_keys, limits, http, answers, counters)
        });
        let queue_budget = QueueBudget::new(config.max_queued_bytes_in_all, Arc::clone(&counters));
        let shared = Shared {
            rules: Arc::new(config.rules()),
            max_queued: config.max_queued_bytes,
            queue_budget: queue_budget.clone(),
            store: Arc::new(Store::default()),
            counters: Arc::clone(&counters),
            upstream: upstream.clone(),
            clock,
        };
        let hubs = Hubs::start(shard_of, &shared).map_err(StartError::Shards)?;
        let client_keys = ClientKeys::new(&signing_key, &config.access_keys);
        let mut verifier = Verifier::new(&config.access_keys, client_keys.clone(), config.lenient);
        let paths = RequestPaths::new(&config.names);
        verifier = verifier.with_names(config.names.clone(), paths.clone());
        if let Some(issuer) = config.entra.clone() {
            verifier = verifier.with_entra(issuer, http);
        }
        let state = Arc::new(State {
            hubs,
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
            signing_key,
            client_keys,
            is_lenient: config.lenient,
            has_upstream: upstream.is_some(),
            max_client_message: config.max_client_message,
            clock,
            counters: Arc::clone(&counters),
            stage: Stage::default(),
            scheme: if config.tls.is_some() { "https" } else { "http" },
            invocation_timeout: config.timeouts.invocation,
        });
        Ok(Self {
            state,
            paths,
            counters,
            drain: config.drain,
            security: config.tls.map_or(Security::Plain, Security::Tls),
            listeners,
            addresses: own_addresses,
            preview_addresses,
            upstream,
            replies,
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

    /// What the service counts.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Serves until `shutdown` is ready. Then clients are told to come back, nothing new is taken,
    /// and what is under way is finished, as [`Drain`] says.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let paths = self.paths;
        // Before the routes, which know one spelling only.
        let app =
            MapRequest::new(router(Arc::clone(&self.state)), move |request| paths.rewrite(request));
        let limits = ServerLimits { drain_time: self.drain.deadline, ..ServerLimits::default() };
        let mut expiry = JoinSet::new();
        expiry.spawn(keep_time(Arc::clone(&self.state)));
        let mut replies = JoinSet::new();
        for queue in self.replies {
            let state = Arc::clone(&self.state);
            replies.spawn(async move { replies::deliver(&state.hubs, queue).await });
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
        .merge(probes::router())
        .layer(middleware::from_fn(header_limit::check))
        .layer(cors::layer())
        .with_state(state)
}

/// Ends what has a time limit and no owner of its own.
async fn keep_time(state: Arc<State>) {
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        state.tokens.expire();
        if state.hubs.user_groups.expire(SystemTime::now()).await.is_err() {
            return;
        }
    }
}
