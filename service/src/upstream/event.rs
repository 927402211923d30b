//! One event, and the answer to it.

use bytes::Bytes;
use http::HeaderValue;
use signalr_serverless::{ConnectionId, HubName, upstream::Category};
use url::Url;

use super::places::Admitted;
use crate::protocol::Protocol;

/// An event for the upstream.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) url: Url,
    /// The index of its template in the settings.
    pub(super) template: usize,
    pub(super) category: Category,
    pub(super) name: HeaderValue,
    pub(super) content_type: HeaderValue,
    pub(super) body: Bytes,
    /// The client's call that waits for the answer.
    pub(super) answer: Option<Answer>,
    /// Counts the event's bytes until the event is dropped.
    pub(super) admitted: Admitted,
}

/// The client's call that waits for the answer to an event.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) invocation_id: String,
    pub(super) protocol: Protocol,
}

/// The reply to a client's invocation.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) hub: HubName,
    pub(crate) connection: ConnectionId,
    /// A completion in the client's protocol, framed.
    pub(crate) completion: Bytes,
}
