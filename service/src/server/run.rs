//! Serves until the end, and ends everything in order.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::Router;
use http::Request;
use signalr_http_server::{Limits as ServerLimits, RequestBody, serve_with};
use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{Instant, interval, sleep_until, timeout_at},
};
use tower::{Layer, ServiceExt, service_fn, util::MapRequest};

use super::Service;
use crate::{
    cluster::{self, Cluster, Relays, replies},
    cors, free_memory, header_limit, probes, rest, server_connection,
    state::State,
    transport,
};

/// A checked token is kept for this time after its last use, and for twice as long at most.
const TOKEN_AGE: Duration = Duration::from_secs(5);

impl Service {
    /// Serves until `shutdown` is ready. Then clients are asked to reconnect, nothing new is taken,
    /// and running work is finished, as [`Drain`](crate::Drain) says.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let paths = self.paths;
        let routes = router(Arc::clone(&self.state));
        // This is one service around the router. The router's own layers would be copied for each
        // request, each with everything inside it.
        let app = cors::layer().layer(service_fn(move |request: Request<RequestBody>| {
            let routes = routes.clone();
            async move {
                match header_limit::refusal(request.headers()) {
                    Some(refusal) => Ok(refusal),
                    None => routes.oneshot(request).await,
                }
            }
        }));
        // This comes before the routes, because these know only one spelling of each path.
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
            // The drain begins before the server can end.
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

/// Waits for the server, but not longer than until the time that `end` returns. Returns this time.
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

fn router(state: Arc<State>) -> Router {
    rest::router(state.is_lenient)
        .merge(transport::router())
        .merge(server_connection::router())
        .merge(probes::router())
        .with_state(state)
}

/// Ends the things that have a time limit and that nothing else ends.
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
