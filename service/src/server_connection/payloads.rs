//! Messages that an app encoded, with one payload for each protocol.

use std::sync::Arc;

use signalr_server_protocol::Payloads;

use crate::hub::message::{Content, Message};

/// The message for clients. If the payload for a client's protocol is missing, the client gets
/// nothing.
pub(super) fn message(payloads: Payloads) -> Arc<Message> {
    Arc::new(Message::new(Content::OfApp(payloads)))
}
