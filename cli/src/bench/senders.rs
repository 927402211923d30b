//! The senders. Each sends one message after the other, when the message is due.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use signalr_client::Connection;
use signalr_serverless::{
    GroupName,
    rest::{Hub, Message},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    arguments::Bench,
    crowd::Crowd,
    stamp::{self, Stamp, TARGET},
    tally::Tally,
};
use crate::{access::call_failure, failure::Failure};

/// A message is late if it is sent this long after it was due.
const LATE: Duration = Duration::from_millis(20);

/// How many messages were sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) messages: u64,
    pub(super) late: u64,
    /// How many of the late messages waited because the message before them was answered late.
    pub(super) behind_an_answer: u64,
}

pub(super) struct Senders {
    tasks: JoinSet<Result<(), Failure>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    messages: AtomicU64,
    late: AtomicU64,
    behind_an_answer: AtomicU64,
}

/// How a sender sends.
enum Way {
    Rest { hub: Hub, groups: Vec<GroupName> },
    Method { connection: Connection, method: String },
}

struct Sender {
    way: Way,
    run: u32,
    sender: u32,
    senders: u32,
    rate: u32,
    messages: u64,
    text: String,
    /// How many connections get a message, for each group.
    receivers: Vec<u64>,
}

impl Senders {
    pub(super) fn start(bench: &Bench, crowd: &Crowd, tally: &Arc<Tally>, begin: Instant) -> Self {
        let counts = Arc::new(Counts::default());
        let mut tasks = JoinSet::new();
        for (sender, connection) in (0..bench.senders).zip(crowd.connections.iter().cycle()) {
            let way = match &crowd.hub {
                Some(hub) => Way::Rest { hub: hub.clone(), groups: crowd.groups.clone() },
                None => {
                    Way::Method { connection: connection.clone(), method: bench.method.clone() }
                }
            };
            let sender = Sender {
                way,
                run: crowd.run,
                sender,
                senders: bench.senders,
                rate: bench.rate,
                messages: u64::from(bench.rate) * u64::from(bench.duration),
                text: "x".repeat(bench.size as usize),
                receivers: (0..crowd.groups.len().max(1))
                    .map(|group| crowd.receivers(group))
                    .collect(),
            };
            let (tally, counts) = (Arc::clone(tally), Arc::clone(&counts));
            tasks.spawn(async move { sender.run(&tally, &counts, begin).await });
        }
        Self { tasks, counts }
    }

    /// Waits until all messages are sent.
    pub(super) async fn ended(mut self) -> Result<Sent, Failure> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| Failure::Service(format!("a sender ended: {error}")))??;
        }
        Ok(Sent {
            messages: self.counts.messages.load(Relaxed),
            late: self.counts.late.load(Relaxed),
            behind_an_answer: self.counts.behind_an_answer.load(Relaxed),
        })
    }
}

impl Sender {
    /// Sends the share of this sender: every n-th message if there are n senders.
    async fn run(self, tally: &Tally, counts: &Counts, begin: Instant) -> Result<(), Failure> {
        let share = (u64::from(self.sender)..self.messages).step_by(self.senders as usize);
        let mut answered = begin;
        for (number, message) in share.enumerate() {
            let after = Duration::from_secs_f64(message as f64 / f64::from(self.rate));
            let due = begin + after;
            sleep_until(due).await;
            if due.elapsed() > LATE {
                counts.late.fetch_add(1, Relaxed);
                counts.behind_an_answer.fetch_add(u64::from(answered > due + LATE), Relaxed);
            }
            let stamp = Stamp {
                run: self.run,
                sender: self.sender,
                number: number as u32,
                due: after.as_micros() as u64,
            };
            let group = message as usize % self.receivers.len();
            tally.expected.fetch_add(self.receivers[group], Relaxed);
            self.send(stamp, group).await?;
            answered = Instant::now();
            counts.messages.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    async fn send(&self, stamp: Stamp, group: usize) -> Result<(), Failure> {
        let arguments = stamp.with(&self.text);
        match &self.way {
            Way::Method { connection, method } => connection
                .send(method, &arguments)
                .await
                .map_err(|error| Failure::Service(format!("{method} cannot be called: {error}"))),
            Way::Rest { hub, groups } => {
                let json =
                    stamp::json(&arguments).map_err(|error| Failure::configuration(&error))?;
                let message =
                    Message::from_raw(TARGET, json).map_err(|error| call_failure::of(&error))?;
                match groups.get(group) {
                    Some(group) => hub.group(group.clone()).send(&message).await,
                    None => hub.broadcast(&message).await,
                }
                .map_err(|error| call_failure::of(&error))
            }
        }
    }
}
