//! The calls that wait for an answer.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

use crate::{
    command::{Answered, Reply, Started},
    error::CallError,
    payload::Payload,
    protocol::Outcome,
};

/// How many calls may wait for an answer.
const MOST_CALLS: usize = 10_000;

pub(super) type ItemSender = mpsc::Sender<Result<Payload, CallError>>;

#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: HashMap<String, Waiting>,
    next_id: u64,
}

#[derive(Debug)]
enum Waiting {
    Result(oneshot::Sender<Answered>),
    Stream(ItemSender),
}

/// The end of a stream for the program that reads it.
pub(super) type StreamEnd = (ItemSender, Option<CallError>);

impl Calls {
    /// Gives a call and its uploads their ids, and lets it wait.
    pub(super) fn start(&mut self, reply: Reply, uploads: usize) -> Result<Started, CallError> {
        let waiting = match reply {
            Reply::None => None,
            _ if self.waiting.len() >= MOST_CALLS => return Err(CallError::TooMany(MOST_CALLS)),
            Reply::Result(sender) => Some(Waiting::Result(sender)),
            Reply::Stream(sender) => Some(Waiting::Stream(sender)),
        };
        let id = waiting.map(|waiting| {
            let id = self.new_id();
            self.waiting.insert(id.clone(), waiting);
            id
        });
        let upload_ids = (0..uploads).map(|_| self.new_id()).collect();
        Ok(Started { id, upload_ids })
    }

    fn new_id(&mut self) -> String {
        let id = self.next_id;
        self.next_id += 1;
        id.to_string()
    }

    /// Removes a call. Returns whether it was still waiting.
    pub(super) fn forget(&mut self, id: &str) -> bool {
        self.waiting.remove(id).is_some()
    }

    /// The receiver of a stream's items.
    pub(super) fn stream(&self, id: &str) -> Option<&ItemSender> {
        match self.waiting.get(id) {
            Some(Waiting::Stream(sender)) => Some(sender),
            _ => None,
        }
    }

    /// Ends a call. The end of a stream must be delivered after its items.
    pub(super) fn complete(&mut self, id: &str, outcome: Outcome) -> Option<StreamEnd> {
        match self.waiting.remove(id)? {
            Waiting::Result(sender) => {
                // The program may have stopped waiting.
                let _ = sender.send(outcome.map_err(CallError::Server));
                None
            }
            Waiting::Stream(sender) => Some((sender, outcome.err().map(CallError::Server))),
        }
    }

    /// Ends all calls, because the connection is lost.
    pub(super) fn lose_all(&mut self, error: &CallError) -> Vec<StreamEnd> {
        let mut streams = Vec::new();
        for (_, waiting) in self.waiting.drain() {
            match waiting {
                Waiting::Result(sender) => {
                    // As above.
                    let _ = sender.send(Err(error.clone()));
                }
                Waiting::Stream(sender) => streams.push((sender, Some(error.clone()))),
            }
        }
        streams
    }
}
