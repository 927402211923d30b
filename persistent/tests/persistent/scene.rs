//! A service in this process, clients of it, and a server that sends.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use signalr_client::{Client, Connection, Event, Events};
use signalr_persistent::{HubConnection, Options};
use signalr_serverless::{
    AccessKey, ConnectionId, ConnectionString, GroupName, HubName, NegotiateOptions, Token, UserId,
    rest::{Message, RestClient},
};
use signalr_service::{Config, Listen, WELL_KNOWN_ACCESS_KEY};
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Scene {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub(crate) struct Listener {
    pub(crate) connection: Connection,
    pub(crate) events: Events,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn at(address: SocketAddr) -> Self {
        let config = Config { listen: Listen::Address(address), ..Config::default() };
        let service = config.bind().await.unwrap();
        let address = service.addresses()[0];
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(service.run(async {
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    pub(crate) async fn end(self) {
        drop(self.stop);
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }

    pub(crate) fn service(&self, key: &str) -> ConnectionString {
        let text = format!("Endpoint=http://{};AccessKey={key}", self.address);
        ConnectionString::parse(&text).unwrap()
    }

    pub(crate) async fn hub(&self) -> HubConnection {
        let service = self.service(WELL_KNOWN_ACCESS_KEY);
        HubConnection::connect(&service, chat(), Options::default()).await.unwrap()
    }

    pub(crate) fn rest(&self) -> signalr_serverless::rest::Hub {
        RestClient::new(&self.service(WELL_KNOWN_ACCESS_KEY)).unwrap().hub(chat())
    }

    pub(crate) async fn client(&self, user: &str) -> Listener {
        let url = format!("http://{}/client/?hub=chat", self.address);
        let options = NegotiateOptions::default().with_user_id(UserId::parse(user).unwrap());
        let key = AccessKey::parse(WELL_KNOWN_ACCESS_KEY).unwrap();
        let token = Token::client(&key, &url, &options, SystemTime::now()).unwrap();
        let client = Client::new(&url).unwrap().with_token(token.as_str().to_owned());
        let (connection, events) = timeout(PATIENCE, client.connect()).await.unwrap().unwrap();
        Listener { connection, events }
    }
}

impl Listener {
    pub(crate) fn id(&self) -> ConnectionId {
        ConnectionId::parse(&self.connection.id().unwrap()).unwrap()
    }

    /// The first argument of the next message.
    pub(crate) async fn next(&mut self) -> String {
        match timeout(PATIENCE, self.events.next()).await.expect("nothing comes") {
            Some(Event::Invocation(invocation)) => {
                invocation.arguments().to_json().unwrap()[0].as_str().unwrap().to_owned()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Waits for something that must happen, with a time limit.
pub(crate) async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    timeout(PATIENCE, waiting).await.expect("it does not come")
}

pub(crate) fn chat() -> HubName {
    HubName::parse("chat").unwrap()
}

pub(crate) fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

pub(crate) fn message(text: &str) -> Message {
    Message::new("m", &[text]).unwrap()
}
