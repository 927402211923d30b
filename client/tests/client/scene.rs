//! A service in this process, its REST API, and clients of it.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use signalr_client::{Client, Event, Events};
use signalr_serverless::{
    AccessKey, ConnectionString, HubName, NegotiateOptions, Token, UserId,
    rest::{Hub, Message, RestClient},
};
use signalr_service::{Config, Listen, WELL_KNOWN_ACCESS_KEY};
use tokio::{sync::oneshot, time::timeout};

/// No test waits longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Scene {
    pub(crate) host: String,
    pub(crate) hub: Hub,
    /// Ends the service with the test.
    pub(crate) stop: Option<oneshot::Sender<()>>,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let listen = Listen::Address(([127, 0, 0, 1], 0).into());
        let service = Config { listen, ..config }.bind().await.unwrap();
        let host = service.addresses()[0].to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(service.run(async {
            let _ = stopped.await;
        }));
        let text = format!("Endpoint=http://{host};AccessKey={WELL_KNOWN_ACCESS_KEY}");
        let service = ConnectionString::parse(&text).unwrap();
        let hub = RestClient::new(&service).unwrap().hub(HubName::parse("chat").unwrap());
        Self { host, hub, stop: Some(stop) }
    }

    /// A client of the user `ann` that uses this `host:port`.
    pub(crate) fn client_at(&self, host: &str) -> Client {
        let token = token(host);
        Client::new(&format!("http://{host}/client/?hub=chat")).unwrap().with_token(token)
    }

    pub(crate) fn client(&self) -> Client {
        self.client_at(&self.host)
    }

    pub(crate) fn token(&self) -> String {
        token(&self.host)
    }

    pub(crate) async fn broadcast(&self, arguments: Value) {
        self.hub.broadcast(&Message::new("m", &arguments).unwrap()).await.unwrap();
    }
}

/// A token of the user `ann` for the service at this `host:port`.
fn token(host: &str) -> String {
    let key = AccessKey::parse(WELL_KNOWN_ACCESS_KEY).unwrap();
    let options = NegotiateOptions::default()
        .with_user_id(UserId::parse("ann").unwrap())
        .with_detailed_errors(true);
    let url = format!("http://{host}/client/?hub=chat");
    Token::client(&key, &url, &options, SystemTime::now()).unwrap().as_str().to_owned()
}

pub(crate) async fn next(events: &mut Events) -> Event {
    timeout(PATIENCE, events.next()).await.expect("nothing happens").expect("there is no more")
}

/// The arguments of the next event, which must be a call of `m`.
pub(crate) async fn arguments(events: &mut Events) -> Value {
    match next(events).await {
        Event::Invocation(call) => {
            assert_eq!(call.target(), "m");
            call.arguments().to_json().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn closed(events: &mut Events) -> String {
    let text = match next(events).await {
        Event::Closed(closed) => closed.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(timeout(PATIENCE, events.next()).await.unwrap().is_none(), "something comes behind");
    text
}

pub(crate) fn numbers(range: std::ops::Range<u32>) -> Vec<Value> {
    range.map(|number| json!([number])).collect()
}
