//! Calls to one connection of a client.

use std::sync::Arc;

use serde::{Deserialize, de::DeserializeOwned};
use signalr_server_protocol::{
    CheckConnectionExistenceWithAck, ClientInvocation, CloseConnectionWithAck, Extensions,
    JoinGroupWithAck, LeaveGroupWithAck, MultiConnectionData,
};
use signalr_serverless::{ConnectionId, GroupName, rest::Message};

use crate::{encoding::payloads, error::Error, pool::Pool};

/// A connection of a client. The crate's documentation has an example of a group, which works the
/// same way.
#[derive(Clone, Debug)]
pub struct ClientConnection {
    pool: Arc<Pool>,
    id: ConnectionId,
}

impl ClientConnection {
    pub(crate) fn new(pool: Arc<Pool>, id: ConnectionId) -> Self {
        Self { pool, id }
    }

    /// Sends to the client.
    ///
    /// # Errors
    ///
    /// [`Error::Message`] and [`Error::Lost`].
    pub async fn send(&self, message: &Message) -> Result<(), Error> {
        let (payloads, extensions) = (payloads(message, None)?, Extensions::default());
        let connection_ids = vec![self.text()];
        self.pool.send(&self.id, MultiConnectionData { connection_ids, payloads, extensions }).await
    }

    /// Invokes a method of the client and returns its result. If the client returns nothing, the result
    /// is `()` or `None`.
    ///
    /// # Errors
    ///
    /// [`Error::Invocation`] if the client answers with an error or is gone, [`Error::NoAnswer`],
    /// [`Error::Answer`] if the result is not a `T`, and [`Error::Lost`].
    pub async fn invoke<T: DeserializeOwned>(&self, message: &Message) -> Result<T, Error> {
        let ask = |invocation_id: String| {
            Ok(ClientInvocation {
                payloads: payloads(message, Some(&invocation_id))?,
                invocation_id,
                connection_id: self.text(),
                caller_server_id: self.pool.server.clone(),
                extensions: Extensions::default(),
            })
        };
        let completion = self.pool.invoke(&self.id, ask).await?;
        let answer = match completion.encoding.as_str() {
            "messagepack" => message_pack(&completion.payload),
            _ => json(&completion.payload),
        }?;
        match answer.error {
            Some(error) => Err(Error::Invocation(error)),
            None => serde_json::from_value(answer.result)
                .map_err(|error| Error::Answer(error.to_string())),
        }
    }

    /// Closes the connection. If it is gone already, this succeeds.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`], [`Error::NoAnswer`] and [`Error::Lost`].
    pub async fn close(&self, reason: Option<&str>) -> Result<(), Error> {
        let (connection_id, reason) = (self.text(), reason.map(str::to_owned));
        let extensions = Extensions::default();
        let ask = |ack_id| CloseConnectionWithAck { connection_id, reason, ack_id, extensions };
        self.pool.ask_whether(&self.id, ask).await.map(drop)
    }

    /// Whether the connection exists.
    ///
    /// # Errors
    ///
    /// The errors of [`close`](Self::close).
    pub async fn exists(&self) -> Result<bool, Error> {
        let (connection_id, extensions) = (self.text(), Extensions::default());
        let ask = |ack_id| CheckConnectionExistenceWithAck { connection_id, ack_id, extensions };
        self.pool.ask_whether(&self.id, ask).await
    }

    /// Adds the connection to a group. Returns whether the connection exists.
    ///
    /// # Errors
    ///
    /// The errors of [`close`](Self::close).
    pub async fn add_to_group(&self, group: &GroupName) -> Result<bool, Error> {
        let (connection_id, group) = (self.text(), group.to_string());
        let extensions = Extensions::default();
        let ask = |ack_id| JoinGroupWithAck { connection_id, group, ack_id, extensions };
        self.pool.ask_whether(&self.id, ask).await
    }

    /// Removes the connection from a group.
    ///
    /// # Errors
    ///
    /// The errors of [`close`](Self::close).
    pub async fn remove_from_group(&self, group: &GroupName) -> Result<(), Error> {
        self.remove(Some(group)).await
    }

    /// Removes the connection from all groups.
    ///
    /// # Errors
    ///
    /// The errors of [`close`](Self::close).
    pub async fn remove_from_all_groups(&self) -> Result<(), Error> {
        self.remove(None).await
    }

    async fn remove(&self, group: Option<&GroupName>) -> Result<(), Error> {
        let (connection_id, group) = (self.text(), group.map(ToString::to_string));
        let extensions = Extensions::default();
        let ask = |ack_id| LeaveGroupWithAck { connection_id, group, ack_id, extensions };
        self.pool.ask_whether(&self.id, ask).await.map(drop)
    }

    fn text(&self) -> String {
        self.id.to_string()
    }
}

/// A client's completion.
#[derive(Debug, Deserialize)]
struct Completion {
    #[serde(default)]
    result: serde_json::Value,
    error: Option<String>,
}

fn json(payload: &[u8]) -> Result<Completion, Error> {
    let message = payload.strip_suffix(b"\x1e").unwrap_or(payload);
    serde_json::from_slice(message).map_err(|error| Error::Answer(error.to_string()))
}

/// Reads the array `[3, headers, id, kind, result or error]` that follows its length.
fn message_pack(payload: &[u8]) -> Result<Completion, Error> {
    let bad = |problem: &dyn std::fmt::Display| Error::Answer(problem.to_string());
    let prefix = payload.iter().position(|byte| byte & 0x80 == 0).unwrap_or(0).saturating_add(1);
    let mut body = payload.get(prefix..).unwrap_or_default();
    let value = rmpv::decode::read_value(&mut body).map_err(|error| bad(&error))?;
    let items: Vec<serde_json::Value> =
        rmpv::ext::from_value(value).map_err(|error| bad(&error))?;
    let last = items.get(4).cloned().unwrap_or_default();
    match items.get(3).and_then(serde_json::Value::as_u64) {
        Some(1) => Ok(Completion { result: serde_json::Value::Null, error: Some(text(&last)) }),
        Some(2 | 3) => Ok(Completion { result: last, error: None }),
        _ => Err(bad(&"it is not a completion")),
    }
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
