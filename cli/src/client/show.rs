//! Shows the client's events: as a line or a JSON object each.

use serde_json::{Value, json};
use signalr_client::{Closed, Event, Payload};

use crate::failure::Failure;

#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    pub(super) as_json: bool,
}

impl Show {
    pub(super) fn connected(self, id: Option<&str>) -> String {
        if self.as_json {
            return json!({ "event": "connected", "connectionId": id }).to_string();
        }
        format!("connected as {}", id.unwrap_or("a connection without an id"))
    }

    pub(super) fn event(self, event: &Event, id: Option<&str>) -> String {
        match event {
            Event::Invocation(call) => {
                let arguments = value(call.arguments());
                if self.as_json {
                    json!({ "event": "message", "target": call.target(), "arguments": arguments })
                        .to_string()
                } else {
                    format!("{} {arguments}", call.target())
                }
            }
            Event::Reconnecting { reason } if self.as_json => {
                json!({ "event": "reconnecting", "reason": reason }).to_string()
            }
            Event::Reconnecting { reason } => format!("connecting again: {reason}"),
            Event::Reconnected { is_stateful } if self.as_json => {
                json!({ "event": "reconnected", "connectionId": id, "stateful": is_stateful })
                    .to_string()
            }
            Event::Reconnected { .. } => format!("connected again as {}", id.unwrap_or_default()),
            Event::Closed(closed) if self.as_json => {
                json!({ "event": "closed", "reason": closed.to_string() }).to_string()
            }
            Event::Closed(closed) => closed.to_string(),
            other => format!("{other:?}"),
        }
    }

    pub(super) fn result(self, target: &str, result: Option<&Payload>) -> String {
        let result = result.map(value);
        if self.as_json {
            return json!({ "event": "result", "target": target, "result": result }).to_string();
        }
        format!("{target} = {}", result.unwrap_or(Value::Null))
    }

    pub(super) fn item(self, target: &str, item: &Payload) -> String {
        if self.as_json {
            return json!({ "event": "item", "target": target, "item": value(item) }).to_string();
        }
        format!("{target} … {}", value(item))
    }
}

/// The end of the command, if the connection has ended; `None` if it continues.
pub(super) fn failure_of(event: &Event) -> Option<Result<(), Failure>> {
    match event {
        Event::Closed(Closed::ByClient) => Some(Ok(())),
        Event::Closed(closed @ Closed::ByServer(_)) => {
            Some(Err(Failure::Service(closed.to_string())))
        }
        Event::Closed(closed) => Some(Err(Failure::Unreachable(closed.to_string()))),
        _ => None,
    }
}

fn value(payload: &Payload) -> Value {
    payload.to_json().unwrap_or_else(|error| Value::String(format!("({error})")))
}
