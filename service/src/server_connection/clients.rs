//! Messages of an app for the clients that were given to it.

use signalr_server_protocol::{CloseConnection, ConnectionData};
use signalr_serverless::ConnectionId;

use super::app::App;
use crate::{
    cluster::Cluster,
    hub::{
        command::{Action, Target},
        work::FromApp,
    },
};

pub(super) async fn data(app: &App, data: ConnectionData) {
    let ConnectionData { connection_id, payload, extensions } = data;
    let said = FromApp::Data { payload, is_partial: extensions.partial };
    say(app, &connection_id, said).await;
}

/// Ends a client of the app, or closes any client of the hub, as apps in persistent mode do.
pub(super) async fn close(app: &App, close: CloseConnection) {
    let reason = (!close.error.is_empty()).then_some(close.error);
    if let (Cluster::Joined(_), Ok(connection)) =
        (&app.state.cluster, ConnectionId::parse(&close.connection_id))
    {
        // In a cluster, apps have no clients of their own.
        let recipients = Target::Connection(connection).into();
        let closed = app.state.cluster.submit(app.hub(), Action::Close { recipients, reason });
        if let Err(error) = closed.await {
            tracing::debug!(%error, "an app cannot close a client");
        }
        return;
    }
    say(app, &close.connection_id, FromApp::Close { reason }).await;
}

async fn say(app: &App, connection: &str, said: FromApp) {
    // A client with an invalid id cannot be connected.
    let Ok(connection) = ConnectionId::parse(connection) else { return };
    // At the end of the service no client is connected.
    let _ = app.state.hubs.hear_app(app.hub(), connection, app.link.number, said).await;
}
