//! One event, and the answer to it.

use bytes::Bytes;
use http::HeaderValue;
use signalr_serverless::{ConnectionId, HubName, upstream::Category};
use url::Url;

use super::places::Admitted;
use crate::protocol::Protocol;

/// Something to tell the upstream.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) url: Url,
    /// The place of its template in the settings.
    pub(super) template: usize,
    pub(super) category: Category,
    pub(super) name: HeaderValue,
    pub(super) content_type: HeaderValue,
    pub(super) body: Bytes,
    /// Who waits for the answer.
    pub(super) answer: Option<Answer>,
    /// Counts its bytes for as long as it is there.
    pub(super) admitted: Admitted,
}

/// Who waits for the answer to an event.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) invocation_id: String,
    pub(super) protocol: Protocol,
}

/// What a client gets for an invocation.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) hub: HubName,
    pub(crate) connection: ConnectionId,
    /// A completion in the client's protocol, framed.
    pub(crate) completion: Bytes,
}
