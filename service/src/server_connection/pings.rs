//! The notes in the pings of an app.

use std::time::{SystemTime, UNIX_EPOCH};

use signalr_server_protocol::Ping;

use super::app::App;

/// The app is stopping, and its clients have to move to another app server.
const MIGRATE: &str = "fin:1";

/// Takes a ping. A ping without a note only shows that the app is connected, so there is nothing to
/// do.
pub(super) async fn take(app: &App, ping: &Ping) {
    if let Some(step) = ping.value("shutdown") {
        if step.starts_with("fin:") {
            // The app's clients stay until the app closes them or its socket.
            app.link.leave();
            tracing::info!(hub = %app.link.hub, server = app.link.server, step, "an app server stops");
            app.link.queue.push(Ping::note("shutdown", "finack"));
            if step == MIGRATE {
                // At the end of the service no client is moved.
                let _ = app.state.hubs.app_moves(app.link.number, false).await;
            }
        }
    } else if ping.value("status").is_some() {
        let has_clients = app.state.app_servers.counts().clients > 0;
        app.link.queue.push(Ping::note("status", if has_clients { "1" } else { "0" }));
    } else if ping.value("servers").is_some() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let servers: Vec<_> = app.state.app_servers.servers(&app.link.hub).into_iter().collect();
        app.link.queue.push(Ping::note("servers", format!("{now}:{}", servers.join(";"))));
    }
}
