//! The commands for the broker, in one order: a bounded queue, and the task that sends them on one
//! connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{Cmd, Pipeline, RedisError, Value, aio::MultiplexedConnection};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};

use super::{
    channels::Name, connect, counts::Counts, frame::Frame, health::Down, health::Health,
    script::Script, settings::BrokerSettings,
};

/// How many commands may wait.
const WAITING: usize = 4096;
/// How many bytes of commands may wait.
const WAITING_BYTES: usize = 16 * 1024 * 1024;
/// How many commands are sent in one write.
const BATCH: usize = 256;
const PUBLISH: &str = "PUBLISH";
/// A command that waited longer than this comes too late.
const OLDEST: Duration = Duration::from_secs(2);
/// The shortest and the longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// Accepts commands for the broker.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    bytes: Arc<AtomicUsize>,
    health: Health,
    counts: Counts,
}

/// A place in the queue.
pub(crate) struct Slot {
    place: mpsc::OwnedPermit<Outgoing>,
    bytes: Arc<AtomicUsize>,
    counts: Counts,
}

/// The number of nodes that receive a frame, as soon as the broker knows it.
#[derive(Debug)]
pub(super) struct Receivers(oneshot::Receiver<Value>);

impl Receivers {
    pub(super) async fn count(self) -> Result<usize, Down> {
        match received(self.0).await? {
            Value::Int(receivers) => Ok(usize::try_from(receivers).unwrap_or(0)),
            _ => Err(Down),
        }
    }
}

struct Outgoing {
    command: Cmd,
    /// The script of the command. It is loaded if the broker does not know it.
    script: Option<Script>,
    since: Instant,
    answered: Option<oneshot::Sender<Value>>,
    _counted: CountedBytes,
}

/// Bytes that count until this is dropped.
struct CountedBytes {
    bytes: Arc<AtomicUsize>,
    count: usize,
}

/// Makes the queue and the task that sends its commands. The task begins with `connection`.
pub(super) fn new(
    health: Health,
    counts: Counts,
    settings: BrokerSettings,
    connection: MultiplexedConnection,
) -> (Outbox, impl Future<Output = ()> + Send) {
    let (queue, outgoing) = mpsc::channel(WAITING);
    let outbox = Outbox { queue, bytes: Arc::default(), health: health.clone(), counts };
    (outbox, run(outgoing, health, settings, connection))
}

impl Outbox {
    /// A place for a command, if the broker can be reached and there is room.
    pub(super) fn reserve(&self) -> Result<Slot, Down> {
        if !self.health.is_up() || self.bytes.load(Relaxed) > WAITING_BYTES {
            return Err(Down);
        }
        let place = self.queue.clone().try_reserve_owned().map_err(|_| Down)?;
        Ok(Slot { place, bytes: Arc::clone(&self.bytes), counts: self.counts.clone() })
    }

    /// How many commands wait, and their bytes.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (WAITING.saturating_sub(self.queue.capacity()), self.bytes.load(Relaxed))
    }
}

impl Slot {
    /// Publishes a frame.
    pub(crate) fn publish(self, name: &Name, frame: &Frame) {
        self.send(publish(name, frame), None, None);
    }

    /// Publishes a frame. Returns how many nodes received it.
    pub(super) async fn request(self, name: &Name, frame: &Frame) -> Result<usize, Down> {
        match self.command(publish(name, frame)).await? {
            Value::Int(receivers) => Ok(usize::try_from(receivers).unwrap_or(0)),
            _ => Err(Down),
        }
    }

    /// Publishes a frame. The broker reports later how many nodes received it.
    pub(super) fn begin_request(self, name: &Name, frame: &Frame) -> Receivers {
        let (answered, answer) = oneshot::channel();
        self.send(publish(name, frame), None, Some(answered));
        Receivers(answer)
    }

    pub(super) async fn command(self, command: Cmd) -> Result<Value, Down> {
        let (answered, answer) = oneshot::channel();
        self.send(command, None, Some(answered));
        received(answer).await
    }

    pub(super) async fn run(
        self,
        script: Script,
        keys: &[Vec<u8>],
        arguments: &[&[u8]],
    ) -> Result<Value, Down> {
        let (answered, answer) = oneshot::channel();
        self.send(script.call(keys, arguments), Some(script), Some(answered));
        received(answer).await
    }

    fn send(self, command: Cmd, script: Option<Script>, answered: Option<oneshot::Sender<Value>>) {
        let count = command.args_iter().map(|one| size(&one)).sum();
        self.bytes.fetch_add(count, Relaxed);
        self.counts.sent(count);
        let counted = CountedBytes { bytes: self.bytes, count };
        self.place.send(Outgoing {
            command,
            script,
            since: Instant::now(),
            answered,
            _counted: counted,
        });
    }
}

fn size(argument: &redis::Arg<&[u8]>) -> usize {
    match argument {
        redis::Arg::Simple(bytes) => bytes.len(),
        _ => 0,
    }
}

async fn received(answer: oneshot::Receiver<Value>) -> Result<Value, Down> {
    match answer.await {
        Ok(Value::ServerError(error)) => {
            tracing::warn!(%error, "the broker refused a command");
            Err(Down)
        }
        Ok(value) => Ok(value),
        Err(_) => Err(Down),
    }
}

fn publish(name: &Name, frame: &Frame) -> Cmd {
    let mut command = Cmd::with_capacity(3, PUBLISH.len() + name.len() + frame.encoded_len());
    command.arg(PUBLISH).arg(&**name).arg(&*frame.encode());
    command
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.count, Relaxed);
    }
}

/// Sends the waiting commands, until all senders of the queue are gone.
async fn run(
    mut outgoing: mpsc::Receiver<Outgoing>,
    health: Health,
    settings: BrokerSettings,
    first: MultiplexedConnection,
) {
    let mut connection = first;
    connect::load_scripts(&mut connection).await;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        if outgoing.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        if send(&mut connection, &mut batch).await.is_ok() {
            continue;
        }
        health.publishes(false);
        // The callers that wait for one of these commands learn that it was lost.
        batch.clear();
        while outgoing.try_recv().is_ok() {}
        drop(connection);
        connection = connect_again(&settings).await;
        // Commands that came at the moment of the loss would be late.
        while outgoing.try_recv().is_ok() {}
        health.publishes(true);
    }
}

/// Sends a batch and passes the answers to the callers.
async fn send(
    connection: &mut MultiplexedConnection,
    batch: &mut Vec<Outgoing>,
) -> Result<(), Down> {
    batch.retain(|one| one.since.elapsed() < OLDEST);
    if batch.is_empty() {
        return Ok(());
    }
    let mut pipeline = Pipeline::with_capacity(batch.len());
    for outgoing in batch.iter_mut() {
        // The command of a script may have to be sent again.
        pipeline.add_command(match outgoing.script {
            Some(_) => outgoing.command.clone(),
            None => outgoing.command.take(),
        });
    }
    let broken = |error: RedisError| {
        tracing::debug!(%error, "the broker's connection broke");
        Down
    };
    let sent = connection.send_packed_commands(&pipeline, 0, batch.len());
    let values = sent.await.map_err(broken)?;
    for (outgoing, value) in batch.drain(..).zip(values) {
        let value = match (&value, outgoing.script) {
            (Value::ServerError(error), Some(script)) if script.is_unknown(error) => {
                let load = script.load_and_run(&outgoing.command);
                let loaded = connection.send_packed_commands(&load, 0, 2);
                loaded.await.map_err(broken)?.pop().ok_or(Down)?
            }
            _ => value,
        };
        if let Some(answered) = outgoing.answered {
            // The caller may be gone.
            let _ = answered.send(value);
        }
    }
    Ok(())
}

async fn connect_again(settings: &BrokerSettings) -> MultiplexedConnection {
    let (mut pause, longest) = PAUSES;
    loop {
        match connect::publisher(settings).await {
            Ok(mut connection) => {
                connect::load_scripts(&mut connection).await;
                return connection;
            }
            Err(error) => tracing::debug!(%error, "the broker does not answer"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}
