//! The connection string for back ends.

use std::sync::Arc;

use axum::{Json, extract::State as Extract};
use http::{HeaderMap, header, uri::Authority};
use serde_json::{Value, json};

use super::view::Dashboard;

/// `GET /dashboard/api/connection-string`
pub(super) async fn get(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    headers: HeaderMap,
) -> Json<Value> {
    let keys = dashboard.state.keys.current();
    let key = String::from_utf8_lossy(keys.signing.as_bytes()).into_owned();
    let scheme = dashboard.state.scheme;
    let (host, port) = host_and_port(&dashboard, &headers);
    let text = format!("Endpoint={scheme}://{host};Port={port};AccessKey={key};Version=1.0;");
    Json(json!({ "connectionString": text }))
}

/// The host and port for clients: the address that the service listens on. If it listens on all
/// addresses, the host that the operator used.
fn host_and_port(dashboard: &Dashboard, headers: &HeaderMap) -> (String, u16) {
    let address = dashboard.place.addresses.first();
    let port = address.map_or(0, |address| address.port());
    let came = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let came = came.and_then(|host| host.parse::<Authority>().ok());
    let host = match address.map(|address| address.ip()) {
        Some(ip) if ip.is_loopback() => "localhost".to_owned(),
        Some(ip) if !ip.is_unspecified() => match ip {
            std::net::IpAddr::V4(ip) => ip.to_string(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        },
        _ => came.map_or_else(|| "localhost".to_owned(), |came| came.host().to_owned()),
    };
    (host, port)
}
