//! What waits to be taken by the program. While something does, nothing more is read, so that it is
//! no more than what came at once.

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

/// A stream that nobody reads any more.
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

    /// Delivers the first that waits, as soon as there is room for it. Dropped, it has delivered
    /// nothing. Returns the stream that nobody reads, if that is so.
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

    /// Delivers all, however long the program takes. For the end of a connection.
    pub(super) async fn deliver_all(&mut self) {
        while !self.is_empty() {
            self.deliver().await;
        }
    }
}
