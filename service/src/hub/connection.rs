//! One connection as its shard holds it: who it is, its session, and what carries its bytes.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};
use tokio::sync::oneshot;
use tungstenite::protocol::frame::coding::CloseCode;

use super::{
    command::Answer,
    encoding::{Encoding, Framing},
};
use crate::{
    session::{Effect, Rules, Seconds, Session},
    transport::{
        QueueFull,
        long_polling::PollQueue,
        server_sent_events::EventSink,
        websocket::socket::{Progress, WebSocket},
    },
    upstream::{Caller, ConnectionEvents},
};

/// Who a connection is, from its negotiation to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: ConnectionId,
    pub(crate) hub: HubName,
    pub(crate) user: Option<UserId>,
}

pub(crate) struct Connection {
    pub(crate) identity: Arc<Identity>,
    /// The groups that the connection is in, each once.
    pub(crate) groups: Vec<GroupName>,
    pub(crate) session: Session,
    /// Who waits for an answer of the client, by invocation id; `None` while nobody does.
    #[expect(clippy::box_collection, reason = "an idle connection pays for a pointer only")]
    pub(crate) invocations: Option<Box<HashMap<String, oneshot::Sender<Answer>>>>,
    /// What the upstream will be told about the client once it is open.
    pub(crate) caller: Option<Box<Caller>>,
    /// Where the client's calls go, where an upstream takes them.
    pub(crate) upstream: Option<ConnectionEvents>,
    /// Whether the connection takes part in its hub.
    pub(crate) is_member: bool,
    /// When the timer will come back to this connection.
    pub(crate) due: Seconds,
    pub(crate) carrier: Carrier,
    /// Counts the carriers that the connection has had.
    pub(crate) turn: u32,
}

/// What moves the bytes of a connection.
#[derive(Debug)]
pub(crate) enum Carrier {
    WebSocket(WebSocket),
    ServerSentEvents(EventSink),
    LongPolling(Box<PollQueue>),
    /// The WebSocket broke, and its client may come back with another.
    Away,
}

/// What a look at a carrier brought.
#[derive(Debug)]
pub(crate) enum Arrival {
    Effects(Vec<Effect>),
    /// The carrier is at its end.
    Gone,
}

impl Connection {
    pub(crate) fn new(
        identity: Arc<Identity>,
        session: Session,
        carrier: Carrier,
        caller: Option<Caller>,
    ) -> Self {
        Self {
            caller: caller.map(Box::new),
            upstream: None,
            identity,
            groups: Vec::new(),
            session,
            invocations: None,
            is_member: false,
            due: 0,
            carrier,
            turn: 0,
        }
    }

    /// How hub messages go over this connection's wire.
    pub(crate) fn encoding(&self) -> Encoding {
        let framing = match self.carrier {
            Carrier::WebSocket(_) | Carrier::Away => Framing::WebSocket,
            Carrier::ServerSentEvents(_) => Framing::ServerSentEvents,
            Carrier::LongPolling(_) => Framing::LongPolling,
        };
        Encoding { protocol: self.session.protocol(), framing }
    }

    /// Sends a frame of that many numbered messages.
    pub(crate) fn send(
        &mut self,
        frame: &Bytes,
        messages: u32,
        max_queued: usize,
        now: Seconds,
    ) -> Result<(), QueueFull> {
        if !self.session.sent(frame, messages, max_queued, now) {
            return Err(QueueFull);
        }
        self.repeat(frame, max_queued, now)
    }

    /// Sends a frame that was counted when it was first sent.
    pub(crate) fn repeat(
        &mut self,
        frame: &Bytes,
        max_queued: usize,
        now: Seconds,
    ) -> Result<(), QueueFull> {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.send(frame, max_queued),
            Carrier::ServerSentEvents(events) => events.send(frame, max_queued),
            Carrier::LongPolling(polls) => polls.send(frame, max_queued, now),
            Carrier::Away => Ok(()),
        }
    }

    /// Drops what waits to be sent, as far as the carrier can still do so.
    pub(crate) fn drop_queued(&mut self) {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.drop_queued(),
            Carrier::LongPolling(polls) => polls.drop_queued(),
            Carrier::ServerSentEvents(events) => events.begin_end(),
            Carrier::Away => {}
        }
    }

    /// Ends the carrier once what waits is sent. Returns whether that takes time.
    pub(crate) fn end_carrier(&mut self, now: Seconds) -> bool {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => socket.send_close(CloseCode::Normal, ""),
            Carrier::LongPolling(polls) => polls.end(now),
            // The response takes what waits, then ends by itself.
            Carrier::ServerSentEvents(_) | Carrier::Away => return false,
        }
        true
    }

    /// Writes what waits and reads what came, as far as the socket of a WebSocket allows.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        now: Seconds,
        rules: &Rules,
    ) -> Poll<Arrival> {
        let Carrier::WebSocket(socket) = &mut self.carrier else { return Poll::Pending };
        let session = &mut self.session;
        let mut effects = Vec::new();
        let on_message = |message: &[u8]| effects.extend(session.receive(message, now, rules));
        socket
            .poll(cx, buffer, rules.max_message, on_message)
            .map(|progress| arrival(progress, &mut self.session, effects, now))
    }

    /// Takes bytes that came with a WebSocket's upgrade.
    pub(crate) fn receive_early(
        &mut self,
        bytes: &mut [u8],
        now: Seconds,
        rules: &Rules,
    ) -> Arrival {
        let Carrier::WebSocket(socket) = &mut self.carrier else {
            return Arrival::Effects(Vec::new());
        };
        let session = &mut self.session;
        let mut effects = Vec::new();
        let on_message = |message: &[u8]| effects.extend(session.receive(message, now, rules));
        let progress = socket.receive(bytes, rules.max_message, on_message);
        arrival(progress, &mut self.session, effects, now)
    }

    /// What is due now: what the session says, and the end of a client that polls no more.
    pub(crate) fn tick(&mut self, now: Seconds, rules: &Rules) -> Vec<Effect> {
        if self.idle_poll_deadline(now, rules).is_some_and(|deadline| now >= deadline) {
            return vec![Effect::Abort];
        }
        self.session.tick(now, rules)
    }

    /// When [`tick`](Self::tick) is due next.
    pub(crate) fn deadline(&mut self, now: Seconds, rules: &Rules) -> Seconds {
        let of_polls = match &self.carrier {
            // Polls come and go without a look at the timer, so it looks at them.
            Carrier::LongPolling(_) => now + 1,
            _ => Seconds::MAX,
        };
        self.session.deadline(rules).min(of_polls)
    }

    fn idle_poll_deadline(&mut self, now: Seconds, rules: &Rules) -> Option<Seconds> {
        let Carrier::LongPolling(polls) = &mut self.carrier else { return None };
        Some(polls.is_idle_since(now)?.saturating_add(rules.poll_gap))
    }
}

fn arrival(
    progress: Progress,
    session: &mut Session,
    mut effects: Vec<Effect>,
    now: Seconds,
) -> Arrival {
    match progress {
        Progress::Read => Arrival::Effects(effects),
        Progress::Ended => {
            session.transport_ended(now);
            effects.push(Effect::End);
            Arrival::Effects(effects)
        }
        Progress::Gone => Arrival::Gone,
    }
}
