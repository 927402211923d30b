//! One connection as its shard holds it: who it is, its session, and what carries its bytes.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use signalr_serverless::GroupName;
use tokio::sync::oneshot;

use super::{answer::Answered, command::GroupChange, work::NewConnection};
use crate::{
    admission::Place,
    broker::Interest,
    budget::{QueueBudget, Share},
    carrier::{Carrier, Encoding, Progress, QueueFull},
    identity::Identity,
    session::{Effect, Ended, Rules, Seconds, Session},
    tokens::TokenGuard,
    upstream::{Caller, ConnectionEvents},
};

pub(super) struct Connection {
    pub(super) identity: Arc<Identity>,
    /// The groups that the connection is in, each once.
    pub(super) groups: Vec<GroupName>,
    pub(super) session: Session,
    /// The callers that wait for an answer of the client, by invocation id. `None` if no caller
    /// waits.
    #[expect(clippy::box_collection, reason = "an idle connection pays for a pointer only")]
    pub(super) invocations: Option<Box<HashMap<String, oneshot::Sender<Answered>>>>,
    /// What the upstream will be told about the client once it is open.
    pub(super) caller: Option<Box<Caller>>,
    /// Where the client's calls go, if an upstream takes them.
    pub(super) upstream: Option<ConnectionEvents>,
    /// Whether the connection takes part in its hub.
    pub(super) is_member: bool,
    /// What waits while the store is being asked for the user's groups.
    pub(super) entering: Option<Box<Entering>>,
    /// When the timer will come back to this connection.
    pub(super) due: Seconds,
    pub(super) carrier: Carrier,
    /// Counts the carriers that the connection has had.
    pub(super) turn: u32,
    /// The bytes of what the client sent and has not ended yet.
    partial: Share,
    /// The client's connection token is good for as long as this lives, the connection counts among
    /// those that are open, and other nodes find it.
    _kept: (Option<TokenGuard>, Place, Vec<Interest>),
}

/// What waits until the groups of a connection's user are known.
#[derive(Debug, Default)]
pub(super) struct Entering {
    /// What is to be done then, the answer to the client's handshake first.
    pub(super) held: Vec<Effect>,
    /// What happened to the user's groups meanwhile.
    pub(super) changes: Vec<GroupChange>,
    /// What is sent to the groups through other nodes comes here already.
    pub(super) interests: Vec<Interest>,
}

/// What a look at a carrier brought.
#[derive(Debug)]
pub(super) enum Arrival {
    Effects(Vec<Effect>),
    /// The carrier is at its end.
    Gone,
}

impl Connection {
    pub(super) fn new(new: NewConnection, budget: &QueueBudget, now: Seconds) -> Self {
        let NewConnection { identity, terms, carrier, place, token, interests, caller } = new;
        Self {
            caller: caller.map(Box::new),
            upstream: None,
            identity,
            groups: Vec::new(),
            session: Session::new(terms, budget, now),
            invocations: None,
            is_member: false,
            entering: None,
            due: 0,
            carrier,
            turn: 0,
            partial: budget.share(),
            _kept: (token, place, interests),
        }
    }

    /// How hub messages go over this connection's wire.
    pub(super) fn encoding(&self) -> Encoding {
        Encoding { protocol: self.session.protocol(), transport: self.carrier.transport() }
    }

    /// Sends a frame of that many numbered messages.
    pub(super) fn send(
        &mut self,
        frame: &Bytes,
        messages: u32,
        max_queued: usize,
        now: Seconds,
    ) -> Result<(), QueueFull> {
        if !self.session.sent(frame, messages, max_queued, now) {
            return Err(QueueFull);
        }
        self.carrier.send(frame, max_queued, now)
    }

    /// The bytes that are held for the client or came from it.
    pub(super) fn held(&self) -> usize {
        let of_both_ways = self.carrier.queued().saturating_add(self.session.kept());
        of_both_ways.saturating_add(self.partial.bytes())
    }

    /// Counts what came and is not whole yet. Returns whether it is more than before.
    pub(super) fn count_partial(&mut self) -> bool {
        let partial = self.carrier.partial().saturating_add(self.session.partial());
        let before = self.partial.bytes();
        if partial != before {
            self.partial.set(partial);
        }
        partial > before
    }

    /// Writes what waits and reads what came, as far as the carrier allows. The bytes of messages are
    /// added to `received`.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        received: &mut u64,
        now: Seconds,
        rules: &Rules,
    ) -> Poll<Arrival> {
        let session = &mut self.session;
        let mut effects = Vec::new();
        let on_message = |message: &[u8]| {
            *received += message.len() as u64;
            effects.extend(session.receive(message, now, rules));
        };
        self.carrier.poll(cx, buffer, rules.max_message, on_message).map(
            |progress| match progress {
                Progress::Read => Arrival::Effects(effects),
                Progress::Ended => {
                    self.session.transport_ended(now);
                    effects.push(Effect::End);
                    Arrival::Effects(effects)
                }
                Progress::Gone => Arrival::Gone,
            },
        )
    }

    /// What is due now: what the session says, and the end of a client that polls no more.
    pub(super) fn tick(&mut self, now: Seconds, rules: &Rules) -> Vec<Effect> {
        self.forget_callers();
        let idle_since = self.carrier.idle_since(now);
        if let Some(since) = idle_since
            && now >= since.saturating_add(rules.poll_gap)
        {
            let gap = now.saturating_sub(since);
            let reason = format!("the client did not poll for {gap} seconds");
            self.session.ends_by(Ended::Lost);
            return self.session.abandon(&reason, now);
        }
        self.session.tick(now, rules)
    }

    /// Forgets the callers of invocations who wait no more.
    pub(super) fn forget_callers(&mut self) {
        if let Some(invocations) = &mut self.invocations {
            invocations.retain(|_, waiting| !waiting.is_closed());
            if invocations.is_empty() {
                self.invocations = None;
            }
        }
    }

    /// When [`tick`](Self::tick) is due next.
    pub(super) fn deadline(&self, now: Seconds, rules: &Rules) -> Seconds {
        let of_polls = match &self.carrier {
            // Polls come and go without a look at the timer, so it looks at them.
            Carrier::LongPolling(_) => now.saturating_add(1),
            Carrier::WebSocket(_) | Carrier::ServerSentEvents(_) | Carrier::Away => Seconds::MAX,
        };
        self.session.deadline(rules).min(of_polls)
    }
}
