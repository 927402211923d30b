//! The running service: its ports, and everything that happens from the start to the end.

mod bind;
mod run;

use std::{io, net::SocketAddr, sync::Arc};

use signalr_http_client::SetupError;
use signalr_http_server::{ListenError, Security};
use signalr_serverless::AccessKey;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

use crate::{
    admin::Admin,
    broker::{self, BrokerError},
    config::Config,
    counters::Counters,
    dashboard::{Dashboard, DashboardRoutes},
    drain::Drain,
    request_path::RequestPaths,
    state::State,
    store::DataError,
    upstream::{Reply, Upstream},
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
    /// The folder for the kept data cannot be used.
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
    /// The upstream's answers to clients, for each shard separately.
    replies: Vec<mpsc::Receiver<Reply>>,
    /// The frames of other nodes.
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
    /// The addresses that the service listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The addresses that also serve API v1-preview.
    #[must_use]
    pub fn preview_addresses(&self) -> &[SocketAddr] {
        &self.preview_addresses
    }

    /// The addresses of the port for operators.
    #[must_use]
    pub fn admin_addresses(&self) -> &[SocketAddr] {
        self.admin.addresses()
    }

    /// The dashboard, if there is one, under `/dashboard`. It is on the port for operators. The caller
    /// may serve it on another port too.
    #[must_use]
    pub fn dashboard(&self) -> Option<DashboardRoutes> {
        let router = self.admin.dashboard()?;
        Some(DashboardRoutes::new(router, self.state.trace.clone()))
    }

    /// The counters of the service.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }
}
