//! The answers to one question: one from each node that got it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::{Broker, channels::Name, health::Down, questions::Open};

/// How long answers are waited for until the broker is asked who is still there, at first and later.
const LOOKS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(500));

/// Waits for the answers to one question.
#[derive(Debug)]
pub(crate) struct Answers {
    broker: Broker,
    name: Name,
    /// How many nodes got the question.
    receivers: usize,
    answered: usize,
    /// How long after the last answer the next look is.
    look: Duration,
    open: Open,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// An answer; it is empty if this node asked itself too.
    Answer(Bytes),
    /// Everybody has answered who got the question and is still there.
    All,
}

impl Answers {
    pub(super) fn new(broker: Broker, name: Name, receivers: usize, open: Open) -> Self {
        Self { broker, name, receivers, answered: 0, look: LOOKS.0, open }
    }

    /// Waits for the next answer of another node, as [`next`](Self::next) does.
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

    /// Waits for the next answer, until `end` at the latest. A node that dies is not waited for.
    pub(crate) async fn next(&mut self, end: Instant) -> Result<Next, Down> {
        while self.answered < self.receivers {
            let look = (Instant::now() + self.look).min(end);
            match timeout_at(look, self.open.next()).await {
                Ok(Some(answer)) => {
                    self.answered += 1;
                    return Ok(Next::Answer(answer));
                }
                Ok(None) => return Err(Down),
                Err(_) if Instant::now() >= end => return Err(Down),
                Err(_) => {
                    self.look = LOOKS.1;
                    let there = self.broker.subscribers(&self.name).await?;
                    self.receivers = self.receivers.min(there.max(self.answered));
                }
            }
        }
        Ok(Next::All)
    }
}
