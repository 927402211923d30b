//! The events of a connection.

use std::fmt;

use tokio::sync::mpsc;

use crate::invocation::Invocation;

/// An event of a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server calls a method.
    Invocation(Invocation),
    /// The connection was lost and the client connects again. Calls fail meanwhile.
    Reconnecting {
        /// Why it was lost.
        reason: String,
    },
    /// The client is connected again. After a stateful reconnect the connection continues.
    /// Otherwise it is a new connection: messages in between are lost, and it is in none of the old
    /// one's groups.
    Reconnected {
        /// Whether the old connection continues, with the same id and without lost messages.
        is_stateful: bool,
    },
    /// The connection has ended. No event follows.
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
    /// The connection broke.
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

/// The events of a connection, in order.
///
/// Up to [`Client::with_queued_events`](crate::Client::with_queued_events) events wait here. If this
/// many wait, the connection reads no more. If this is dropped, further events are dropped.
#[derive(Debug)]
pub struct Events(pub(crate) mpsc::Receiver<Event>);

impl Events {
    /// The next event; `None` after [`Event::Closed`].
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}
