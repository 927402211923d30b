//! The calls of a client that its app server has not answered yet. They are noted if the client may
//! move to another app server, which would not answer them. For a client that came from another node,
//! the calls are noted that this node's upstream has still to answer.

use std::collections::HashSet;

use crate::protocol::{ClientMessage, Protocol};

/// How many open calls are noted. A client with more does not move.
const MOST: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Calls {
    open: HashSet<Box<str>>,
    /// Whether there were more calls than are noted.
    are_too_many: bool,
}

impl Calls {
    /// Notes a call that needs an answer.
    pub(super) fn add(&mut self, invocation_id: &str) {
        if self.open.len() < MOST {
            self.open.insert(invocation_id.into());
        } else {
            self.are_too_many = true;
        }
    }

    /// Notes which calls these messages of the app answer. They must be whole.
    pub(super) fn answered(&mut self, messages: &[u8], protocol: Protocol) {
        let mut rest = messages;
        while !self.open.is_empty()
            && let Ok(Some((message, after))) = protocol.split(rest)
        {
            rest = after;
            if let Ok(ClientMessage::Completion { invocation_id, .. }) = protocol.parse(message) {
                self.open.remove(invocation_id.as_str());
            }
        }
    }

    /// The noted calls that were not answered.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.open.iter().map(|id| &**id)
    }

    /// Whether the app has calls to answer.
    pub(super) fn are_open(&self) -> bool {
        self.are_too_many || !self.open.is_empty()
    }

    /// Takes the calls that were not answered.
    pub(super) fn take(&mut self) -> HashSet<Box<str>> {
        std::mem::take(&mut self.open)
    }
}
