//! Opens the ports and makes everything that a service needs.

use std::{net::SocketAddr, sync::Arc};

use signalr_http_server::{Security, SocketPlaces};
use tokio::{net::TcpListener, time::Instant};

use super::{Service, StartError};
use crate::{
    admin::Admin,
    admission::{Admission, Calls},
    app_server::AppServers,
    auth::{KeyRing, Verifier},
    broker::{About, Broker},
    budget::QueueBudget,
    clock::Clock,
    cluster::Cluster,
    config::Config,
    connect_rate::ConnectRate,
    counters::Counters,
    dashboard::{self, Dashboard},
    drain::Stage,
    hub::{Hubs, shard::Shared},
    records::Records,
    request_path::RequestPaths,
    shard_of::ShardOf,
    state::State,
    store::{BrokerStore, DataError, DiskStore, Store},
    tokens::ConnectionTokens,
    upstream::{Limits, Replies, Upstream},
};

impl Service {
    pub(super) async fn bind(config: Config) -> Result<Self, StartError> {
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
            let (limits, http) = (upstream_limits(&config), http.clone());
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
        let queue_budget = QueueBudget::new(config.max_queued_bytes_in_all, Arc::clone(&counters));
        let app_servers =
            Arc::new(AppServers::new(config.max_server_connections, config.service_modes.clone()));
        let shared = Shared {
            app_servers: Arc::clone(&app_servers),
            rules: Arc::new(config.rules()),
            max_queued: config.max_queued_bytes,
            queue_budget: queue_budget.clone(),
            store: Arc::new(store(broker.as_ref(), &config)?),
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
}

fn upstream_limits(config: &Config) -> Limits {
    Limits {
        time: config.timeouts.upstream,
        requests: config.max_upstream_requests,
        waiting_bytes_in_all: config.max_upstream_bytes,
        ..Limits::default()
    }
}

/// The store of users' groups.
fn store(broker: Option<&Broker>, config: &Config) -> Result<Store, DataError> {
    Ok(match (broker, &config.data) {
        (Some(broker), _) => Store::Broker(BrokerStore::new(broker.clone())),
        (None, Some(folder)) => Store::Disk(DiskStore::open(folder)?),
        (None, None) => Store::default(),
    })
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}
