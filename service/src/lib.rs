//! A SignalR service that speaks the Azure SignalR data plane: stock SignalR clients connect to
//! it, and back ends send through it by REST.
//!
//! [`Config`] says how it is to run, [`Config::bind`] opens the ports, [`Service::run`] serves.
//!
//! Inside, from the outside in: `transport` and `rest` take what comes, `auth` checks who it is,
//! `hub` owns the connections and carries out commands, `session` is the state of one connection,
//! `protocol` its encoding. `session` and `protocol` know no socket, task or clock.

#![warn(missing_docs)]

mod admin;
mod admission;
mod app_server;
mod auth;
mod broker;
mod budget;
mod carrier;
mod clock;
mod cluster;
mod config;
mod connect_rate;
mod cors;
mod counters;
mod dashboard;
mod drain;
mod filter;
mod free_memory;
#[cfg(fuzzing)]
pub mod fuzz;
mod header_limit;
mod host_name;
mod hub;
mod identity;
mod limits;
mod login;
#[cfg(feature = "measured")]
#[doc(hidden)]
pub mod measured;
mod memory;
mod probes;
mod protocol;
mod query;
mod random_id;
mod records;
mod refused;
mod request_body;
mod request_path;
mod rest;
mod server;
mod server_connection;
mod session;
mod shard_of;
mod state;
mod store;
mod timings;
mod tokens;
mod trace;
mod transport;
pub mod upstream;

pub use app_server::{ServiceMode, ServiceModes};
pub use auth::{EntraIssuer, EntraIssuerError};
pub use broker::{BrokerError, BrokerSettings, BrokerSettingsError, NodeStatus};
pub use config::{Config, Timeouts, WELL_KNOWN_ACCESS_KEY};
pub use counters::Counters;
pub use dashboard::{DashboardPage, DashboardRoutes, PageFile};
pub use drain::Drain;
pub use host_name::{HostName, HostNameError};
pub use server::{Service, StartError};
pub use session::{ClientMessages, SilentClients};
pub use signalr_http_client::{Trust, TrustError};
pub use signalr_http_server::{
    Listen, ListenError, ReloadSignals, SocketCounts, SocketLimits, Tls, TlsError,
};
pub use store::DataError;
