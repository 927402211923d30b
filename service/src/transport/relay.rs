//! Requests of clients that reach a node that does not own their connection: polls, posts and ends.
//! They are sent to the owner, which answers as if it had got them directly.

use std::time::{Duration, SystemTime};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use signalr_serverless::{ConnectionId, HubName, UserId};
use tokio::time::Instant;

use super::endpoint::{Client, Refusal};
use crate::{
    broker::{Broker, Channel, Down, Frame, Kind, Malformed, Next, Reader, Writer},
    cluster::Cluster,
    hub::work::TokenTime,
    state::State,
    tokens::ClaimError,
};

/// How much longer than a poll its answer may take.
const LEEWAY: Duration = Duration::from_secs(5);

/// The request of a client.
#[derive(Debug)]
pub(crate) enum Relayed {
    Post(Bytes),
    Poll { limit: Duration },
    End,
}

/// A request as it is sent to another node.
#[derive(Debug)]
pub(crate) struct Request {
    pub(super) token: String,
    pub(super) hub: HubName,
    pub(super) user: Option<UserId>,
    pub(super) access: TokenTime,
    pub(super) relayed: Relayed,
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
        // Nodes of an older version do not read the rest.
        writer.flag(self.access == TokenTime::Expired);
        writer.finish()
    }

    pub(crate) fn read(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let request = Self {
            token: reader.text()?,
            hub: reader.name()?,
            user: reader.option(Reader::name)?,
            access: TokenTime::Good,
            relayed: match reader.u8()? {
                0 => Relayed::Post(reader.bytes()?),
                1 => Relayed::Poll { limit: Duration::from_millis(reader.u64()?) },
                2 => Relayed::End,
                _ => return Err(Malformed),
            },
        };
        // Nodes of an older version relay valid tokens only.
        let access = match reader.flag() {
            Ok(true) => TokenTime::Expired,
            Ok(false) | Err(Malformed) => TokenTime::Good,
        };
        Ok(Self { access, ..request })
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
            let now = SystemTime::now();
            let keys = state.keys.current();
            Ok(keys.connection.read(token, client.hub_and_user(), now)?.connection)
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
        access: client.token_time(),
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
            let response = read_response(answer).map_err(|_| Refusal::down(Down))?;
            if response.status() == StatusCode::UNAUTHORIZED {
                client.check_time()?;
            }
            Ok(response)
        }
        Next::All if broker.is_settled() => Err(Refusal::unknown_connection()),
        Next::All => Err(Refusal::down(Down)),
    }
}

/// Reports to the owner that no client waits for the answer any more, unless it came.
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
            // Without a broker, the owner's own time limit ends the request.
            let _ = self.broker.publish(channel, &Frame { question: self.question, ..frame });
        }
    }
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

#[cfg(test)]
mod tests {
    use super::{super::busy_answer, *};

    #[test]
    fn a_busy_node_is_tried_again_later() {
        let response = read_response(busy_answer()).unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }
}
