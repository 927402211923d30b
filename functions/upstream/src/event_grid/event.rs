//! A connection event in the two schemas of Azure Event Grid, as Azure SignalR writes them.
//!
//! Source: <https://learn.microsoft.com/azure/event-grid/event-schema-azure-signalr>

use serde_json::{Value, json};
use signalr_function_runtime::EventSchema;

use crate::context::Context;

/// Version of the data, in Event Grid's own schema.
const DATA_VERSION: &str = "1.0";

/// The event: a client has connected or disconnected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    Connected,
    /// The client has disconnected. The reason is there if the client did not leave by itself.
    Disconnected(Option<String>),
}

impl Happened {
    fn kind(&self) -> &'static str {
        match self {
            Self::Connected => "Microsoft.SignalRService.ClientConnectionConnected",
            Self::Disconnected(_) => "Microsoft.SignalRService.ClientConnectionDisconnected",
        }
    }

    /// The id of the event. Each connection connects once and disconnects once, so its id and the
    /// kind of event are unique. The receiver can detect an event that comes twice.
    fn id(&self, caller: &Context) -> String {
        let what = match self {
            Self::Connected => "connected",
            Self::Disconnected(_) => "disconnected",
        };
        format!("{}-{what}", caller.connection())
    }
}

/// The service's own name, and whether the receiver fills in the topic.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) service: String,
    pub(super) is_topic: bool,
}

/// Writes the event with this time (RFC 3339).
pub(super) fn event(
    schema: EventSchema,
    source: &Source,
    caller: &Context,
    happened: &Happened,
    time: &str,
) -> Value {
    let mut data = json!({
        "timestamp": time,
        "hubName": caller.hub().as_str(),
        "connectionId": caller.connection().as_str(),
        "userId": caller.user().map(|user| user.as_str()),
    });
    if let Happened::Disconnected(reason) = happened {
        data["errorMessage"] = reason.as_deref().unwrap_or_default().into();
    }
    let subject = format!("/hub/{}", caller.hub());
    match schema {
        EventSchema::CloudEvents => json!({
            "specversion": "1.0",
            "id": happened.id(caller),
            "source": source.service,
            "subject": subject,
            "type": happened.kind(),
            "time": time,
            "datacontenttype": "application/json",
            "data": data,
        }),
        EventSchema::EventGrid => {
            let mut event = json!({
                "id": happened.id(caller),
                "subject": subject,
                "eventType": happened.kind(),
                "eventTime": time,
                "data": data,
                "dataVersion": DATA_VERSION,
            });
            // A topic fills in its own name and refuses others.
            if !source.is_topic {
                event["topic"] = source.service.as_str().into();
                event["metadataVersion"] = "1".into();
            }
            json!([event])
        }
    }
}
