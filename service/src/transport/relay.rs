//! Requests of clients that reach another node than the one that owns their connection: polls, posts
//! and ends. They go to the owner, which answers as if they had come there.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    body::to_bytes,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use signalr_serverless::{ConnectionId, HubName, UserId};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::Instant,
};

use super::{
    endpoint::{Client, Refusal},
    long_polling, post,
};
use crate::{
    broker::{Broker, Channel, Down, Frame, Kind, Malformed, Next, Reader, Writer},
    cluster::Cluster,
    state::State,
    tokens::ClaimError,
};

/// How much longer than a poll its answer may take.
const LEEWAY: Duration = Duration::from_secs(5);

/// What a client wants.
#[derive(Debug)]
pub(super) enum Relayed {
    Post(Bytes),
    Poll { limit: Duration },
    End,
}

/// A request as it goes to another node.
#[derive(Debug)]
struct Request {
    token: String,
    hub: HubName,
    user: Option<UserId>,
    relayed: Relayed,
}

impl Request {
    fn to_bytes(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.text(&self.token).text(self.hub.as_str());
        writer.option(self.user.as_ref(), |writer, user| {
            writer.text(user.as_str());
        });
        match &self.relayed {
            Relayed::Post(bytes) => writer.u8(0).bytes(bytes),
            Relayed::Poll { limit } => {
                writer.u8(1).u64(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
            }
            Relayed::End => writer.u8(2),
        };
        writer.finish()
    }

    fn read(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Self {
            token: reader.text()?,
            hub: reader.name()?,
            user: reader.option(Reader::name)?,
            relayed: match reader.u8()? {
                0 => Relayed::Post(reader.bytes()?),
                1 => Relayed::Poll { limit: Duration::from_millis(reader.u64()?) },
                2 => Relayed::End,
                _ => return Err(Malformed),
            },
        })
    }
}

/// The connection of a token that this node does not keep, if another node may own it.
pub(super) fn elsewhere(
    state: &State,
    client: &Client,
    token: &str,
    error: ClaimError,
) -> Result<ConnectionId, ClaimError> {
    match (error, &state.cluster) {
        (ClaimError::Unknown, Cluster::Joined(_)) => {
            let now = std::time::SystemTime::now();
            Ok(state.signer.read(token, client.hub_and_user(), now)?.connection)
        }
        (error, _) => Err(error),
    }
}

/// Sends a request to the node that owns the connection, and returns its answer.
pub(super) async fn send(
    state: &State,
    client: &Client,
    token: &str,
    connection: &ConnectionId,
    relayed: Relayed,
) -> Result<Response, Refusal> {
    let Cluster::Joined(joined) = &state.cluster else { return Err(Refusal::unknown_connection()) };
    let broker = joined.broker();
    let limit = match &relayed {
        Relayed::Poll { limit } => limit.saturating_add(LEEWAY),
        Relayed::Post(_) | Relayed::End => LEEWAY,
    };
    let request = Request {
        token: token.to_owned(),
        hub: client.hub.clone(),
        user: client.user.clone(),
        relayed,
    };
    let channel = Channel::Connection(&client.hub, connection);
    let asked = broker.ask(channel, Kind::Relay, request.to_bytes()).await;
    let mut answers = asked.map_err(Refusal::down)?;
    // If the client goes away, its poll must not take messages.
    let cancel = Cancel {
        broker: broker.clone(),
        hub: client.hub.clone(),
        connection: connection.clone(),
        question: answers.question(),
        is_answered: false,
    };
    let next = answers.next_of_others(Instant::now() + limit).await;
    match next.map_err(Refusal::down)? {
        Next::Answer(answer) => {
            cancel.answered();
            read_response(answer).map_err(|_| Refusal::down(Down))
        }
        Next::All if broker.is_settled() => Err(Refusal::unknown_connection()),
        Next::All => Err(Refusal::down(Down)),
    }
}

/// Tells the owner that nobody waits for the answer any more, unless it came.
struct Cancel {
    broker: Broker,
    hub: HubName,
    connection: ConnectionId,
    question: u64,
    is_answered: bool,
}

impl Cancel {
    fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        if !self.is_answered {
            let channel = Channel::Connection(&self.hub, &self.connection);
            let frame = self.broker.frame(Kind::Cancel, Bytes::new());
            // Without a broker the owner's own time limit ends it.
            let _ = self.broker.publish(channel, &Frame { question: self.question, ..frame });
        }
    }
}

/// Answers the requests that other nodes send here, until none comes any more.
pub(crate) async fn serve(state: Arc<State>, mut requests: mpsc::Receiver<Frame>) {
    let Cluster::Joined(joined) = &state.cluster else { return };
    let broker = joined.broker().clone();
    let mut running = JoinSet::new();
    let mut waiting: HashMap<_, AbortHandle> = HashMap::new();
    loop {
        tokio::select! {
            Some(done) = running.join_next(), if !running.is_empty() => {
                if let Ok(asked) = done {
                    waiting.remove(&asked);
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
                let Ok(request) = Request::read(frame.body.clone()) else { continue };
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
    let Request { token, hub, user, relayed } = request;
    let client = (&hub, user.as_ref());
    let answered = match relayed {
        Relayed::Post(bytes) => post::take(state, client, &token, bytes).await,
        Relayed::Poll { limit } => long_polling::wait_for(state, client, &token, limit).await,
        Relayed::End => long_polling::hang_up(state, client, &token).await,
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

/// Status, content type and body; the other headers follow from these.
async fn write_response(response: Response) -> Bytes {
    let status = response.status().as_u16();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    // It was made here, from memory.
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    let mut writer = Writer::default();
    writer.u16(status).bytes(&content_type).bytes(&body);
    writer.finish()
}

fn read_response(answer: Bytes) -> Result<Response, Malformed> {
    let mut reader = Reader::new(answer);
    let status = StatusCode::from_u16(reader.u16()?).map_err(|_| Malformed)?;
    let content_type = reader.bytes()?;
    let mut response = (status, reader.bytes()?).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if !content_type.is_empty() {
        let value = HeaderValue::from_maybe_shared(content_type).map_err(|_| Malformed)?;
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    Ok(response)
}
