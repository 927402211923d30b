//! What happens on a connection.

use std::fmt;

use tokio::sync::mpsc;

use crate::invocation::Invocation;

/// What happens on a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server calls a method.
    Invocation(Invocation),
    /// The connection was lost and is being made again; calls fail meanwhile.
    Reconnecting {
        /// Why it was lost.
        reason: String,
    },
    /// There is a connection again. Messages in between were not received, and groups of the old
    /// connection are left, except if it goes on as before.
    Reconnected {
        /// Whether it goes on as before, with the same id and without loss.
        is_stateful: bool,
    },
    /// The connection has ended. Nothing comes behind this.
    Closed(Closed),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// The program closed it.
    ByClient,
    /// The server closed it, with its reason if it gave one.
    ByServer(Option<String>),
    /// It broke.
    Lost(String),
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByClient => f.write_str("the client closed the connection"),
            Self::ByServer(None) => f.write_str("the server closed the connection"),
            Self::ByServer(Some(reason)) => write!(f, "the server closed the connection: {reason}"),
            Self::Lost(reason) => write!(f, "the connection was lost: {reason}"),
        }
    }
}

/// What happens on a connection, in order.
///
/// Up to [`Client::with_queued_events`](crate::Client::with_queued_events) wait to be read; past that
/// the connection reads no more until some are. Dropped, it drops what comes.
#[derive(Debug)]
pub struct Events(pub(crate) mpsc::Receiver<Event>);

impl Events {
    /// The next event; `None` behind [`Event::Closed`].
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}
