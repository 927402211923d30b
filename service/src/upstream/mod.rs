//! Upstream: what clients do becomes HTTP requests to the user's own functions, and their answers
//! become completions.
//!
//! [`Settings`] say where events go. Each connection has a line of its own (`ConnectionEvents`):
//! its events arrive one after the other, each after the answer to the one before. Lines know no
//! shard; they run on the runtime that the service was started on, and hand completions to a
//! channel.

mod call;
mod completion;
mod events;
mod settings;
mod signature;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Map, Value};
use signalr_serverless::{AccessKey, ConnectionId, HubName};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc, watch},
};

pub(crate) use self::events::{ConnectionEvents, Invocation, NotTaken};
pub use self::settings::{Settings, SettingsError};
use self::signature::Signer;
use crate::identity::Identity;

/// What bounds the calls.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// From the beginning of a request to the end of its answer. Gateways in front of functions
    /// give up after about 30 s, and a client's next event waits for as long.
    pub(crate) time: Duration,
    /// The longest answer, in bytes. Source: asrs-emulator.
    pub(crate) answer: usize,
    /// How many requests may be under way at once, of all connections together.
    pub(crate) requests: usize,
    /// How many invocations of one connection may wait.
    pub(crate) waiting: usize,
    /// How many bytes they may have together, where there is more than one.
    pub(crate) waiting_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            answer: 16 * 1024 * 1024,
            requests: 256,
            waiting: 100,
            waiting_bytes: 1024 * 1024,
        }
    }
}

/// Takes the events of all connections. Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<Inner>);

struct Inner {
    settings: watch::Receiver<Settings>,
    signer: Signer,
    http: reqwest::Client,
    limits: Limits,
    /// One for each request that may be under way.
    places: Semaphore,
    replies: mpsc::Sender<Reply>,
    /// Where lines run, so that no shard does.
    runtime: Handle,
    /// How many lines have events.
    busy: watch::Sender<usize>,
}

/// A client, as the upstream is told about it.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Arc<Identity>,
    /// The claims of its token, type and value.
    pub(crate) claims: Vec<(String, String)>,
    /// The query that it connected with, without secrets: see [`forwarded_query`].
    pub(crate) query: String,
}

/// What a client gets for an invocation.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) hub: HubName,
    pub(crate) connection: ConnectionId,
    /// A completion in the client's protocol, framed.
    pub(crate) completion: Bytes,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    Connections,
    Messages,
}

impl Category {
    /// The names that a pattern may have.
    const NAMES: &[&str] = &[Self::Connections.as_str(), Self::Messages.as_str()];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Messages => "messages",
        }
    }
}

impl Upstream {
    /// Takes the settings and every key of the service; each signs. Completions go to `replies`.
    /// To be called on the runtime that the requests are to run on.
    pub(crate) fn new(
        settings: watch::Receiver<Settings>,
        keys: &[AccessKey],
        limits: Limits,
        http: reqwest::Client,
        replies: mpsc::Sender<Reply>,
    ) -> Self {
        Self(Arc::new(Inner {
            settings,
            signer: Signer::new(keys),
            http,
            places: Semaphore::new(limits.requests),
            limits,
            replies,
            runtime: Handle::current(),
            busy: watch::Sender::new(0),
        }))
    }

    /// Whether any template could take an event of the hub.
    pub(crate) fn serves(&self, hub: &HubName) -> bool {
        self.0.settings.borrow().serves(hub)
    }

    /// Begins the line of a connection with its event `connected`.
    pub(crate) fn open(&self, caller: Caller) -> ConnectionEvents {
        ConnectionEvents::open(self.clone(), caller)
    }

    /// Waits until every event that was taken is delivered, or has failed.
    pub(crate) async fn idle(&self) {
        // The sender is in `self`, so the channel is open.
        let _ = self.0.busy.subscribe().wait_for(|busy| *busy == 0).await;
    }
}

/// The part of a client's query that others may see: all but its access token and connection
/// token, as it came.
pub(crate) fn forwarded_query(query: &str) -> String {
    let is_secret = |parameter: &&str| {
        let name = form_urlencoded::parse(parameter.as_bytes()).next();
        let secrets = ["access_token", "id"];
        name.is_some_and(|(name, _)| secrets.iter().any(|one| name.eq_ignore_ascii_case(one)))
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !is_secret(parameter))
        .collect();
    kept.join("&")
}

/// The claims of a token, as type and value: text as it is, each element of an array on its own,
/// and other values as JSON.
pub(crate) fn claims(token: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut claims = Vec::with_capacity(token.len());
    for (r#type, value) in token {
        match value {
            Value::Array(values) => {
                claims.extend(values.iter().map(|value| (r#type.clone(), text(value))));
            }
            value => claims.push((r#type.clone(), text(value))),
        }
    }
    claims
}
