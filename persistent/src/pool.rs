//! The connections of one hub, and the calls that go over them.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use signalr_server_protocol::{Ack, ClientCompletion, Message};
use signalr_serverless::{ConnectionString, HubName};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    answers::{Answers, is_yes},
    driver::run,
    error::Error,
    link::Place,
    options::Options,
};

/// The connections of one hub. They end when this is dropped and the queued messages are written.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) hub: HubName,
    /// This server's id at the service.
    pub(crate) server: String,
    connections: Vec<Connection>,
    invocations: AtomicU64,
    answer_time: Duration,
    invocation_time: Duration,
}

#[derive(Debug)]
struct Connection {
    messages: mpsc::Sender<Vec<u8>>,
    answers: Arc<Answers>,
}

impl Pool {
    pub(crate) async fn open(
        service: &ConnectionString,
        hub: HubName,
        options: Options,
    ) -> Result<Self, Error> {
        let place = Arc::new(Place::new(service, hub.clone(), options.trust)?);
        let mut connections = Vec::new();
        for _ in 0..options.connections.get() {
            let link = place.open().await?;
            let (messages, waiting) = mpsc::channel(options.waiting.get());
            let answers = Arc::new(Answers::default());
            tokio::spawn(run(Arc::clone(&place), link, waiting, Arc::clone(&answers)));
            connections.push(Connection { messages, answers });
        }
        Ok(Self {
            hub,
            server: place.server.clone(),
            connections,
            invocations: AtomicU64::new(1),
            answer_time: options.answer_time,
            invocation_time: options.invocation_time,
        })
    }

    /// Sends a message. Messages for the same target keep their order.
    pub(crate) async fn send(
        &self,
        target: impl Hash,
        message: impl Into<Message>,
    ) -> Result<(), Error> {
        write(self.connection(target), message).await
    }

    /// Makes a message with an ack id, sends it, and waits for the ack.
    pub(crate) async fn ask<M: Into<Message>>(
        &self,
        target: impl Hash,
        message: impl FnOnce(i32) -> M,
    ) -> Result<Ack, Error> {
        let connection = self.connection(target);
        let (id, answer) = connection.answers.await_ack();
        write(connection, message(id)).await?;
        match timeout(self.answer_time, answer).await {
            Ok(answer) => answer.map_err(|_| Error::Lost),
            Err(_) => Err(Error::NoAnswer(self.answer_time.as_secs())),
        }
    }

    /// The same for a question that is answered with yes or no.
    pub(crate) async fn ask_whether<M: Into<Message>>(
        &self,
        target: impl Hash,
        message: impl FnOnce(i32) -> M,
    ) -> Result<bool, Error> {
        is_yes(&self.ask(target, message).await?)
    }

    /// Makes a message with an invocation id, sends it, and waits for the client's answer.
    pub(crate) async fn invoke<M: Into<Message>>(
        &self,
        target: impl Hash,
        message: impl FnOnce(String) -> Result<M, Error>,
    ) -> Result<ClientCompletion, Error> {
        let connection = self.connection(target);
        let number = self.invocations.fetch_add(1, Relaxed);
        let id = format!("{}-{number}", self.server);
        let message = message(id.clone())?;
        let answer = connection.answers.await_client(id);
        write(connection, message).await?;
        match timeout(self.invocation_time, answer).await {
            Ok(Ok(answer)) => answer.map_err(Error::Invocation),
            Ok(Err(_)) => Err(Error::Lost),
            Err(_) => Err(Error::NoAnswer(self.invocation_time.as_secs())),
        }
    }

    fn connection(&self, target: impl Hash) -> &Connection {
        let mut hasher = DefaultHasher::new();
        target.hash(&mut hasher);
        let count = self.connections.len().max(1) as u64;
        let index = usize::try_from(hasher.finish() % count).unwrap_or(0);
        &self.connections[index]
    }
}

async fn write(connection: &Connection, message: impl Into<Message>) -> Result<(), Error> {
    let mut bytes = Vec::new();
    message.into().encode(&mut bytes).map_err(|error| Error::Message(error.to_string()))?;
    // The task ends only when all senders are dropped.
    connection.messages.send(bytes).await.map_err(|_| Error::Lost)
}
