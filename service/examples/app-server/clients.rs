//! The clients of one server connection, and the methods that they call.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use serde_json::{Value, json};
use signalr_server_protocol::{
    BroadcastData, ClientCompletion, ClientInvocation, CloseConnection, ConnectionData, Extensions,
    GroupBroadcastData, Headers, JoinGroupWithAck, LeaveGroupWithAck, Message, MultiConnectionData,
    Payloads, UserData,
};

use crate::{
    caller::{Caller, Outgoing, data},
    hub::Hub,
    hub_protocol::HubProtocol,
};

struct Client {
    protocol: HubProtocol,
    has_shaken_hands: bool,
    /// The sums of what is being uploaded, by stream.
    uploads: HashMap<String, (Caller, f64)>,
}

pub(crate) struct Clients {
    hub: Arc<Hub>,
    out: Outgoing,
    clients: HashMap<String, Client>,
    /// Calls that wait for an ack.
    waiting: HashMap<i32, Caller>,
    /// Clients that another server asks, by the id of the invocation.
    asked_elsewhere: HashMap<String, String>,
}

/// A call of a method of clients, in each protocol.
fn payloads(target: &str, argument: &Value, invocation_id: Option<&str>) -> Payloads {
    let mut message = json!({ "type": 1, "target": target, "arguments": [argument] });
    if let Some(id) = invocation_id {
        message["invocationId"] = id.into();
    }
    let all = HubProtocol::ALL;
    Payloads(all.map(|protocol| (protocol.name().to_owned(), protocol.write(&message))).into())
}

impl Clients {
    pub(crate) fn new(hub: Arc<Hub>, out: Outgoing) -> Self {
        let (clients, waiting) = (HashMap::new(), HashMap::new());
        Self { hub, out, clients, waiting, asked_elsewhere: HashMap::new() }
    }

    pub(crate) fn take(&mut self, message: Message) {
        match message {
            Message::OpenConnection(open) => {
                let protocol = HubProtocol::named(open.extensions.protocol.as_deref());
                let client = Client { protocol, has_shaken_hands: false, uploads: HashMap::new() };
                self.clients.insert(open.connection_id, client);
            }
            Message::CloseConnection(close) => drop(self.clients.remove(&close.connection_id)),
            Message::ConnectionData(data) => self.hear(&data.connection_id, &data.payload),
            Message::Ack(ack) => {
                if let Some(caller) = self.waiting.remove(&ack.ack_id) {
                    caller.complete(&json!(format!("{:?}", ack.status)));
                }
            }
            Message::ClientInvocation(asked) => {
                self.asked_elsewhere.insert(asked.invocation_id, asked.caller_server_id);
            }
            Message::ClientCompletion(completion) => {
                let protocol = HubProtocol::named(Some(&completion.encoding));
                for answer in protocol.read(&completion.payload) {
                    self.hub.answered(&completion.invocation_id, &answer);
                }
            }
            Message::ErrorCompletion(error) => {
                self.hub.answered(&error.invocation_id, &json!({ "error": error.error }));
            }
            _ => {}
        }
    }

    /// The last words to all clients: come back.
    pub(crate) fn goodbyes(&self) -> Vec<Message> {
        let goodbye = json!({ "type": 7, "allowReconnect": true });
        let last = |(id, client): (&String, &Client)| {
            let payload = client.protocol.write(&goodbye);
            let extensions = Extensions::default();
            ConnectionData { connection_id: id.clone(), payload, extensions }.into()
        };
        self.clients.iter().map(last).collect()
    }

    fn hear(&mut self, id: &str, payload: &[u8]) {
        let Some(client) = self.clients.get_mut(id) else { return };
        if !client.has_shaken_hands {
            client.has_shaken_hands = true;
            return data(&self.out, id, Bytes::from_static(b"{}\x1e"));
        }
        let protocol = client.protocol;
        for message in protocol.read(payload) {
            match message["type"].as_u64() {
                Some(1 | 4) => self.call(id, protocol, &message),
                Some(2) => self.upload(id, &message),
                Some(3) => self.completed(id, protocol, &message),
                _ => {}
            }
        }
    }

    fn call(&mut self, id: &str, protocol: HubProtocol, message: &Value) {
        let caller = Caller {
            client: id.to_owned(),
            protocol,
            invocation_id: message["invocationId"].clone(),
            out: self.out.clone(),
        };
        let arguments = &message["arguments"];
        let text = |index: usize| arguments[index].as_str().unwrap_or_default().to_owned();
        let extensions = Extensions::default;
        let to_clients: Option<Message> = match message["target"].as_str().unwrap_or_default() {
            "Echo" => return caller.complete(&arguments[0]),
            "Server" => return caller.complete(&json!(self.hub.server)),
            "Id" => return caller.complete(&json!(id)),
            "All" | "Others" => {
                let excluded =
                    if message["target"] == "All" { vec![] } else { vec![id.to_owned()] };
                let payloads = payloads("newMessage", &arguments[0], None);
                Some(BroadcastData { excluded, payloads, extensions: extensions() }.into())
            }
            "Caller" => {
                let connection_ids = vec![id.to_owned()];
                let payloads = payloads("newMessage", &arguments[0], None);
                Some(
                    MultiConnectionData { connection_ids, payloads, extensions: extensions() }
                        .into(),
                )
            }
            "ToUser" => {
                let payloads = payloads("newMessage", &arguments[1], None);
                Some(UserData { user_id: text(0), payloads, extensions: extensions() }.into())
            }
            "ToGroup" => Some(
                GroupBroadcastData {
                    group: text(0),
                    excluded: vec![],
                    payloads: payloads("newMessage", &arguments[1], None),
                    extensions: extensions(),
                    excluded_users: vec![],
                    caller_user_id: None,
                }
                .into(),
            ),
            "Join" | "Leave" => {
                let ack_id = self.hub.next_ack();
                self.waiting.insert(ack_id, caller);
                let (connection_id, group) = (id.to_owned(), text(0));
                let extensions = extensions();
                let message = if message["target"] == "Join" {
                    JoinGroupWithAck { connection_id, group, ack_id, extensions }.into()
                } else {
                    let group = Some(group);
                    LeaveGroupWithAck { connection_id, group, ack_id, extensions }.into()
                };
                return drop(self.out.send(message));
            }
            "Count" => {
                for number in 0..arguments[0].as_u64().unwrap_or_default() {
                    caller.say(
                        &json!({ "type": 2, "invocationId": caller.invocation_id, "item": number }),
                    );
                }
                return caller.say(&json!({ "type": 3, "invocationId": caller.invocation_id }));
            }
            "Sum" => {
                let stream = message["streamIds"][0].as_str().unwrap_or_default().to_owned();
                if let Some(client) = self.clients.get_mut(id) {
                    client.uploads.insert(stream, (caller, 0.0));
                }
                return;
            }
            "Ask" => {
                let invocation_id = self.hub.ask(caller);
                let payloads = payloads("question", &arguments[1], Some(&invocation_id));
                let (connection_id, caller_server_id) = (text(0), self.hub.server.clone());
                let extensions = extensions();
                let ask = ClientInvocation {
                    invocation_id,
                    connection_id,
                    caller_server_id,
                    payloads,
                    extensions,
                };
                return drop(self.out.send(ask.into()));
            }
            "Abort" => {
                caller.say(&json!({ "type": 7 }));
                let (connection_id, headers) = (id.to_owned(), Headers::default());
                let (error, extensions) = (String::new(), extensions());
                Some(CloseConnection { connection_id, error, headers, extensions }.into())
            }
            other => {
                let error = format!("there is no method {other}");
                return caller.say(&json!({
                    "type": 3, "invocationId": caller.invocation_id, "error": error
                }));
            }
        };
        if let Some(message) = to_clients {
            let _ = self.out.send(message);
            caller.complete(&Value::Null);
        }
    }

    fn upload(&mut self, id: &str, message: &Value) {
        let stream = message["invocationId"].as_str().unwrap_or_default();
        if let Some(client) = self.clients.get_mut(id)
            && let Some((_, sum)) = client.uploads.get_mut(stream)
        {
            *sum += message["item"].as_f64().unwrap_or_default();
        }
    }

    /// The end of an upload, or the answer of a client that was asked.
    fn completed(&mut self, id: &str, protocol: HubProtocol, message: &Value) {
        let invocation = message["invocationId"].as_str().unwrap_or_default();
        if let Some(client) = self.clients.get_mut(id)
            && let Some((caller, sum)) = client.uploads.remove(invocation)
        {
            return caller.complete(&json!(sum));
        }
        let elsewhere = self.asked_elsewhere.remove(invocation).is_some();
        let is_own = !elsewhere && self.hub.answered(invocation, message);
        if !elsewhere && !is_own {
            return;
        }
        let completion = ClientCompletion {
            invocation_id: invocation.to_owned(),
            connection_id: id.to_owned(),
            server_id: self.hub.server.clone(),
            encoding: protocol.name().to_owned(),
            // An empty one says that this app has what it wants.
            payload: if elsewhere { protocol.write(message) } else { Bytes::new() },
            extensions: Extensions::default(),
        };
        let _ = self.out.send(completion.into());
    }
}
