//! The events and items that wait for the program. While any wait, the connection reads no more.
//! The queue therefore never holds more than one read brought.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::calls::ItemSender;
use crate::{error::CallError, event::Event, payload::Payload};

#[derive(Debug)]
pub(super) struct Deliveries {
    events: mpsc::Sender<Event>,
    waiting: VecDeque<Delivery>,
}

#[derive(Debug)]
enum Delivery {
    Event(Box<Event>),
    Item { id: String, to: ItemSender, item: Result<Payload, CallError> },
}

/// The id of a stream that the program no longer reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unread(pub(super) String);

impl Deliveries {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, waiting: VecDeque::new() }
    }

    pub(super) fn event(&mut self, event: Event) {
        self.waiting.push_back(Delivery::Event(Box::new(event)));
    }

    pub(super) fn item(&mut self, id: String, to: ItemSender, item: Result<Payload, CallError>) {
        self.waiting.push_back(Delivery::Item { id, to, item });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Delivers the first waiting entry as soon as there is room for it. If this future is dropped
    /// early, it has delivered nothing. Returns the stream if nobody reads it any more.
    pub(super) async fn deliver(&mut self) -> Option<Unread> {
        match self.waiting.front() {
            None => std::future::pending().await,
            Some(Delivery::Event(_)) => {
                let room = self.events.reserve().await;
                if let Some(Delivery::Event(event)) = self.waiting.pop_front()
                    && let Ok(room) = room
                {
                    room.send(*event);
                }
                None
            }
            Some(Delivery::Item { to, .. }) => {
                let room = to.clone().reserve_owned().await;
                let Some(Delivery::Item { id, item, .. }) = self.waiting.pop_front() else {
                    return None;
                };
                let is_unread = room.is_err() && item.is_ok();
                if let Ok(room) = room {
                    room.send(item);
                }
                is_unread.then_some(Unread(id))
            }
        }
    }

    /// Delivers everything at the end of a connection, with no time limit for the program.
    pub(super) async fn deliver_all(&mut self) {
        while !self.is_empty() {
            self.deliver().await;
        }
    }
}
