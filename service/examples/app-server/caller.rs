//! A client that called a method, and how it is answered.

use bytes::Bytes;
use serde_json::{Value, json};
use signalr_server_protocol::{ConnectionData, Extensions, Message};
use tokio::sync::mpsc;

use crate::hub_protocol::HubProtocol;

pub(crate) type Outgoing = mpsc::UnboundedSender<Message>;

/// A call of a client that is to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) client: String,
    pub(crate) protocol: HubProtocol,
    pub(crate) invocation_id: Value,
    pub(crate) out: Outgoing,
}

impl Caller {
    pub(crate) fn say(&self, message: &Value) {
        data(&self.out, &self.client, self.protocol.write(message));
    }

    pub(crate) fn complete(&self, result: &Value) {
        if !self.invocation_id.is_null() {
            self.say(&json!({ "type": 3, "invocationId": self.invocation_id, "result": result }));
        }
    }
}

/// Sends bytes of the hub protocol to a client.
pub(crate) fn data(out: &Outgoing, client: &str, payload: Bytes) {
    let (connection_id, extensions) = (client.to_owned(), Extensions::default());
    // The task of the connection may be over.
    let _ = out.send(ConnectionData { connection_id, payload, extensions }.into());
}
