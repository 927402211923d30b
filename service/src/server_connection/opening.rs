//! A server connection from its handshake to its end.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use signalr_server_protocol::{
    ConnectionKind, HandshakeRequest, HandshakeResponse, Message, MigrationLevel, VERSION,
};
use signalr_serverless::HubName;
use tokio::{
    task::coop::consume_budget,
    time::{sleep, timeout},
};
use tungstenite::Message as Frame;

use super::{
    app::App,
    incoming::take,
    reader::{End, Reader},
    socket::Socket,
    writer::write,
};
use crate::{
    app_server::{AppQueue, Role, ServiceMode},
    cluster::Cluster,
    state::State,
};

/// How long an app may take for its handshake. Source: an app waits as long for the service.
const HANDSHAKE_TIME: Duration = Duration::from_secs(15);
/// An app that sends nothing for this time is gone, because apps answer the service's pings.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the last message to an app may take.
const GOODBYE_TIME: Duration = Duration::from_secs(5);

/// The data from the request.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) hub: HubName,
    /// The name of the app server.
    pub(super) server: String,
}

/// Serves a server connection until it ends.
pub(super) async fn serve(state: Arc<State>, socket: Socket, opening: Opening) {
    let (mut sink, stream) = socket.split();
    let (queue, end) = AppQueue::new(state.max_queued, &state.queue_budget);
    let mut reader = Reader::new(stream, Arc::clone(&queue), Arc::clone(&state));
    let first = timeout(HANDSHAKE_TIME, reader.next()).await;
    let Opening { hub, server } = opening;
    let opened = match first {
        Ok(Ok(Some(Message::HandshakeRequest(request)))) => {
            check(&state, &hub, &request).and_then(|role| {
                let opened = state.app_servers.add(hub.clone(), server, role, queue);
                opened.map_err(|full| full.to_string())
            })
        }
        Ok(Ok(_)) => Err("the first message is not a handshake".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no handshake came in time".to_owned()),
    };
    let answer = match &opened {
        Ok(_) => HandshakeResponse::accepted(),
        Err(reason) => HandshakeResponse::refused(reason.clone()),
    };
    let mut bytes = Vec::new();
    // The message is short, so this cannot fail.
    let _ = Message::from(answer).encode(&mut bytes);
    let is_sent = timeout(GOODBYE_TIME, sink.send(Frame::binary(bytes))).await;
    let link = match opened {
        Ok(link) => link,
        Err(reason) => {
            tracing::warn!(%hub, reason, "a server connection is refused");
            let _ = timeout(GOODBYE_TIME, sink.close()).await;
            return;
        }
    };
    tracing::info!(%hub, server = link.server, kind = ?link.kind, "an app server is connected");
    let mut writer = tokio::spawn(write(sink, end));
    let app = App::new(Arc::clone(&state), Arc::clone(&link));
    let end = if matches!(is_sent, Ok(Ok(()))) {
        tokio::select! {
            end = read(&app, &mut reader) => end,
            _ = &mut writer => End::NotRead,
            () = link.queue.until_cut() => End::TooMuch,
            () = state.app_servers.stopped() => End::Shutdown,
        }
    } else {
        End::NotRead
    };
    if matches!(end, End::TooMuch) {
        // The bytes that the app did not read are dropped.
        writer.abort();
    }
    drop(reader);
    state.app_servers.remove(&link);
    tracing::info!(%hub, server = link.server, %end, "a server connection is over");
    if link.migration == MigrationLevel::Any {
        let _ = state.hubs.app_moves(link.number, true).await;
    }
    // At the end of the service its clients are already gone.
    let _ = state.hubs.app_gone(link.number).await;
    app.end();
    if !writer.is_finished() {
        link.queue.end();
        tokio::select! {
            _ = &mut writer => {}
            () = sleep(GOODBYE_TIME) => writer.abort(),
        }
    }
}

/// The role that the handshake asks for, if it is allowed.
fn check(state: &State, hub: &HubName, request: &HandshakeRequest) -> Result<Role, String> {
    if request.version != VERSION {
        let came = request.version;
        return Err(format!("version {came} of the protocol came; version {VERSION} is served"));
    }
    let role = Role { kind: request.kind, migration: request.migration };
    match request.kind {
        ConnectionKind::Default | ConnectionKind::OnDemand
            if state.app_servers.modes.of(hub) == ServiceMode::Serverless =>
        {
            Err(format!(
                "hub {hub} is in Serverless mode, in which no app server serves clients; start the \
                 service with --service-mode default or classic"
            ))
        }
        ConnectionKind::Default | ConnectionKind::OnDemand
            if matches!(state.cluster, Cluster::Joined(_)) =>
        {
            let text = "an app server cannot serve the clients of a service with --broker yet; run \
                        it without, or send in persistent mode or by REST";
            Err(text.to_owned())
        }
        ConnectionKind::Default | ConnectionKind::OnDemand | ConnectionKind::Weak => Ok(role),
    }
}

/// Takes the messages of an app until the connection ends.
async fn read(app: &App, reader: &mut Reader) -> End {
    loop {
        // Other tasks get their turn, even if many messages came at once.
        consume_budget().await;
        // An app that reads no answers may not ask questions.
        app.link.queue.room().await;
        let message = match timeout(SILENCE, reader.next()).await {
            Ok(Ok(Some(message))) => message,
            Ok(Ok(None)) => continue,
            Ok(Err(end)) => return end,
            Err(_) => return End::Silent,
        };
        app.state.app_servers.received();
        if let Err(end) = take(app, message).await {
            return end;
        }
    }
}
