//! Requests of clients that reached another node, for connections that are here.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::to_bytes,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{StatusCode, header};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    long_polling, post,
    relay::{Relayed, Request},
};
use crate::{
    broker::{Frame, Kind, Writer},
    cluster::Cluster,
    state::State,
};

/// How many requests may be under way.
const UNDER_WAY: usize = 65_536;
const BUSY: &[u8] = b"the node of the connection has too much to do; try again later";

/// Answers the requests that other nodes send here, until there are no more requests.
pub(crate) async fn serve(state: Arc<State>, mut requests: mpsc::Receiver<Frame>) {
    let Cluster::Joined(joined) = &state.cluster else { return };
    let broker = joined.broker().clone();
    let mut running = JoinSet::new();
    let mut waiting: HashMap<_, AbortHandle> = HashMap::new();
    loop {
        tokio::select! {
            Some(done) = running.join_next(), if !running.is_empty() => {
                match done {
                    Ok(asked) => drop(waiting.remove(&asked)),
                    // It was cancelled, or it failed: it cannot name its question.
                    Err(_) => waiting.retain(|_, one| !one.is_finished()),
                }
            }
            frame = requests.recv() => {
                let Some(frame) = frame else { return };
                let asked = (frame.origin, frame.question);
                if frame.kind == Kind::Cancel {
                    if let Some(one) = waiting.remove(&asked) {
                        one.abort();
                    }
                    continue;
                }
                let request = Request::read(frame.body.clone());
                let Some(request) = request.ok().filter(|_| running.len() < UNDER_WAY) else {
                    broker.answer(&frame, busy_answer());
                    continue;
                };
                let (state, broker) = (Arc::clone(&state), broker.clone());
                let task = running.spawn(async move {
                    let response = answer(&state, request).await;
                    broker.answer(&frame, write_response(response).await);
                    asked
                });
                waiting.insert(asked, task);
            }
        }
    }
}

async fn answer(state: &State, request: Request) -> Response {
    let Request { token, hub, user, access, relayed } = request;
    let client = (&hub, user.as_ref());
    let answered = match relayed {
        Relayed::Post(bytes) => post::take(state, client, &token, access, bytes).await,
        Relayed::Poll { limit } => {
            long_polling::wait_for(state, client, &token, access, limit).await
        }
        Relayed::End => long_polling::hang_up(state, client, &token).await,
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

/// The status, the content type and the body. The other headers follow from these.
async fn write_response(response: Response) -> Bytes {
    let status = response.status().as_u16();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    // The response was made here, from memory.
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    parts(status, &content_type, &body)
}

/// The answer to a request that cannot be served now. The node that relayed it adds a header that
/// says when to try again.
pub(crate) fn busy_answer() -> Bytes {
    parts(StatusCode::SERVICE_UNAVAILABLE.as_u16(), b"text/plain; charset=utf-8", BUSY)
}

fn parts(status: u16, content_type: &[u8], body: &[u8]) -> Bytes {
    let mut writer = Writer::default();
    writer.u16(status).bytes(content_type).bytes(body);
    writer.finish()
}
