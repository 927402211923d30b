//! The state of one connection: handshake, pings, time limits, and the messages that a client may
//! send.
//!
//! The input is bytes and the time; the output is [`Effect`]s. There is no socket, task or clock
//! here. Transports carry the bytes, and the shard that owns the connection provides the time.

mod app;
mod calls;
mod effect;
mod ended;
mod ending;
mod login;
mod moving;
mod receiving;
mod reliable;
mod rules;
mod seconds;
mod time_limits;

use bytes::Bytes;

pub use self::rules::{ClientMessages, SilentClients};
use self::{calls::Calls, reliable::Reliable};
pub(crate) use self::{
    effect::{Call, Effect, NotCalled},
    ended::Ended,
    login::ExpiredToken,
    moving::MovedSession,
    reliable::Sent,
    rules::{Rules, Terms},
    seconds::Seconds,
};
use crate::{budget::QueueBudget, protocol::Protocol};

/// The session of one connection.
#[derive(Debug)]
pub(crate) struct Session {
    phase: Phase,
    /// The protocol. JSON until the handshake names another, because the handshake itself is JSON.
    protocol: Protocol,
    last_sent: Seconds,
    last_received: Seconds,
    /// How many messages came in the second of `last_received`.
    received_now: u32,
    /// Whether the client has ever sent a ping.
    has_pinged: bool,
    terms: Terms,
    /// The end of the login, if it was renewed.
    renewed: Option<Seconds>,
    /// Whether an app server answers the client.
    is_of_app: bool,
    /// Whether the session comes from another node and has not arrived yet.
    arrives: bool,
    /// The beginning of a message whose end has not arrived yet.
    partial: Vec<u8>,
    reliable: Option<Box<Reliable>>,
    /// The calls that wait for the app server, if they are noted.
    calls: Option<Box<Calls>>,
    /// Why the session ended, if it did not end well.
    end_reason: Option<Box<str>>,
    /// The first reason to end the session.
    ended: Option<Ended>,
    /// How many bytes were searched for the end of a message.
    #[cfg(test)]
    searched: std::cell::Cell<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake {
        since: Seconds,
    },
    /// The app server has to answer the handshake.
    Asked {
        since: Seconds,
    },
    Open,
    /// Open, but without a transport.
    Away {
        since: Seconds,
    },
    Ended {
        since: Seconds,
    },
}

impl Session {
    /// Begins a session. The bytes that are kept for a reconnect count in `budget`.
    pub(crate) fn new(terms: Terms, budget: &QueueBudget, now: Seconds) -> Self {
        Self {
            phase: Phase::Handshake { since: now },
            protocol: Protocol::Json,
            last_sent: now,
            last_received: now,
            received_now: 0,
            has_pinged: false,
            reliable: terms.is_stateful.then(|| Box::new(Reliable::new(budget))),
            terms,
            renewed: None,
            is_of_app: false,
            arrives: false,
            partial: Vec::new(),
            calls: None,
            end_reason: None,
            ended: None,
            #[cfg(test)]
            searched: std::cell::Cell::default(),
        }
    }

    /// The error with which the session ended, if there was one.
    pub(crate) fn end_reason(&self) -> Option<&str> {
        self.end_reason.as_deref()
    }

    /// Why the session has ended. If there is no other reason, the client ended it.
    pub(crate) fn ended(&self) -> Ended {
        self.ended.unwrap_or(Ended::Client)
    }

    /// Notes why the session ends. The first reason counts.
    pub(crate) fn ends_by(&mut self, reason: Ended) {
        self.ended.get_or_insert(reason);
    }

    /// The client's protocol.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Notes that a frame with this many numbered messages is sent, and keeps it in case the client
    /// loses it. Returns whether it could be kept: for a client that is away there is room for
    /// `max_kept` bytes.
    #[must_use]
    pub(crate) fn sent(
        &mut self,
        frame: &Bytes,
        messages: u32,
        max_kept: usize,
        now: Seconds,
    ) -> bool {
        self.last_sent = now;
        let Some(reliable) = self.reliable.as_mut().filter(|_| messages > 0) else { return true };
        reliable.keep(frame, messages);
        if matches!(self.phase, Phase::Away { .. }) {
            return reliable.kept_bytes() <= max_kept;
        }
        // Clients acknowledge only from time to time. A client that reads has received the oldest
        // frames long ago.
        reliable.forget_beyond(max_kept);
        true
    }

    /// How many bytes are kept in case the client loses them.
    pub(crate) fn kept(&self) -> usize {
        self.reliable.as_ref().map_or(0, |reliable| reliable.kept_bytes())
    }

    /// Removes the kept frames of a client that is connected and reads, because the memory is
    /// needed. If the client loses its transport before it has read everything, it cannot resume.
    pub(crate) fn forget_kept(&mut self) {
        if let (Phase::Open, Some(reliable)) = (self.phase, &mut self.reliable) {
            reliable.forget_beyond(0);
        }
    }

    /// How many bytes of an incomplete message are held.
    pub(crate) fn partial(&self) -> usize {
        self.partial.capacity()
    }
}

#[cfg(test)]
mod tests;
