//! The answers to one question: one from each node that got it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::{
    Broker, channels::Name, health::Down, node::NodeId, outbox::Receivers, questions::Open,
};

/// How long to wait for answers before the broker is asked how many nodes are still subscribed: the
/// first time, and each later time.
const LOOKS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(250));

/// A question that waits to be published, in the order of all frames.
#[derive(Debug)]
pub(crate) struct Asking {
    broker: Broker,
    name: Name,
    receivers: Receivers,
    open: Open,
}

impl Asking {
    pub(super) fn new(broker: Broker, name: Name, receivers: Receivers, open: Open) -> Self {
        Self { broker, name, receivers, open }
    }

    /// Waits until the question is published.
    pub(crate) async fn published(self) -> Result<Answers, Down> {
        let Self { broker, name, receivers, open } = self;
        Ok(Answers::new(broker, name, receivers.count().await?, open))
    }
}

/// Waits for the answers to one question.
#[derive(Debug)]
pub(crate) struct Answers {
    broker: Broker,
    name: Name,
    /// How many nodes received the question.
    receivers: usize,
    /// The nodes that have answered.
    answered: Vec<NodeId>,
    /// How long to wait for the next answer before the next check.
    look: Duration,
    open: Open,
}

/// The next result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// An answer. It is empty if this node got its own question.
    Answer(Bytes),
    /// All nodes that received the question and are still subscribed have answered.
    All,
}

impl Answers {
    pub(super) fn new(broker: Broker, name: Name, receivers: usize, open: Open) -> Self {
        Self { broker, name, receivers, answered: Vec::new(), look: LOOKS.0, open }
    }

    /// Waits for the next answer of another node, in the same way as [`next`](Self::next).
    pub(crate) async fn next_of_others(&mut self, end: Instant) -> Result<Next, Down> {
        loop {
            match self.next(end).await? {
                Next::Answer(answer) if answer.is_empty() => {}
                next => return Ok(next),
            }
        }
    }

    /// The number of the question.
    pub(crate) fn question(&self) -> u64 {
        self.open.number()
    }

    /// Waits for the next answer, until `end` at the latest. Does not wait for a node that has
    /// died.
    pub(crate) async fn next(&mut self, end: Instant) -> Result<Next, Down> {
        while self.answered.len() < self.receivers {
            let look = (Instant::now() + self.look).min(end);
            match timeout_at(look, self.open.next()).await {
                Ok(Some((node, answer))) => {
                    self.answered.push(node);
                    return Ok(Next::Answer(answer));
                }
                Ok(None) => return Err(Down),
                Err(_) if Instant::now() >= end => {
                    self.broker.unanswered();
                    return Err(Down);
                }
                Err(_) => {
                    self.look = LOOKS.1;
                    let there = self.broker.there(&self.name, &self.answered).await?;
                    self.receivers = self.receivers.min(there.receivers(self.answered.len()));
                }
            }
        }
        Ok(Next::All)
    }
}
