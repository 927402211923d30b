//! One connection as its shard holds it: its identity, its session, and the carrier of its bytes.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use signalr_serverless::GroupName;
use tokio::sync::oneshot;

use super::{
    answer::Answered,
    app_route::AppRoute,
    command::GroupChange,
    user_shards::UserHere,
    work::{LoginAnswer, NewConnection},
};
use crate::{
    admission::Place,
    broker::Interest,
    budget::{QueueBudget, Share},
    carrier::{Carrier, Encoding, Progress, QueueFull},
    identity::Identity,
    login::{self, LoginClaims, LoginEnd, Renewal},
    protocol::Protocol,
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
    pub(super) invocations: Option<Box<HashMap<String, Waiting>>>,
    /// The route to the app server that answers the client, if one does.
    pub(super) app: Option<Box<AppRoute>>,
    pub(super) claims: LoginClaims,
    /// The data about the client that the upstream gets when the connection opens.
    pub(super) caller: Option<Box<Caller>>,
    /// The receiver of the client's calls, if an upstream takes them.
    pub(super) upstream: Option<ConnectionEvents>,
    /// Whether the connection belongs to its hub now.
    pub(super) is_member: bool,
    /// The work that waits for the store's answer about the user's groups.
    pub(super) entering: Option<Box<Entering>>,
    /// When the connection was made.
    pub(super) since: Seconds,
    /// When the timer checks this connection next.
    pub(super) due: Seconds,
    pub(super) carrier: Carrier,
    /// How many carriers the connection has had.
    pub(super) turn: u32,
    /// The bytes of the client's incomplete messages, and of those that wait until it has entered.
    partial: Share,
    /// While this exists, the client's connection token is valid, the connection counts as open,
    /// work about its user comes to this shard, and other nodes can find it.
    _kept: (Option<TokenGuard>, Place, Option<UserHere>, Vec<Interest>),
}

/// A caller that waits for an answer of the client.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) answer: oneshot::Sender<Answered>,
    /// Whether the answer comes through the client's app server. Then only one thing matters here:
    /// the client may go before it answers.
    pub(super) is_by_app: bool,
    /// Whether the app server has received the client's answer.
    pub(super) is_passed_on: bool,
}

/// The work that waits until the groups of a connection's user are known.
#[derive(Debug, Default)]
pub(super) struct Entering {
    /// The effects to carry out then. The answer to the client's handshake is the first.
    pub(super) held: Vec<Effect>,
    /// The changes of the user's groups in the meantime.
    pub(super) changes: Vec<GroupChange>,
    /// The bytes that the client posted in the meantime.
    pub(super) posted: usize,
    /// The interests in the groups. Messages to the groups from other nodes already arrive.
    pub(super) interests: Vec<Interest>,
}

/// The result of polling a carrier.
#[derive(Debug)]
pub(super) enum Arrival {
    Effects(Vec<Effect>),
    /// The carrier has ended.
    Gone,
}

impl Connection {
    pub(super) fn new(
        new: NewConnection,
        user_here: Option<UserHere>,
        budget: &QueueBudget,
        now: Seconds,
    ) -> Self {
        let NewConnection {
            identity,
            terms,
            carrier,
            place,
            token,
            interests,
            claims,
            caller,
            app,
        } = new;
        let mut session = Session::new(terms, budget, now);
        if app.is_some() {
            session.leave_to_app();
        }
        Self {
            app: app.map(|client| Box::new(AppRoute::new(*client, budget))),
            claims,
            caller: caller.map(Box::new),
            upstream: None,
            identity,
            groups: Vec::new(),
            session,
            invocations: None,
            is_member: false,
            entering: None,
            since: now,
            due: 0,
            carrier,
            turn: 0,
            partial: budget.share(),
            _kept: (token, place, user_here, interests),
        }
    }

    /// The claims of the client's login. If there is a renewal, it is applied first.
    pub(super) fn login(&mut self, renewal: Option<&Renewal>, now: Seconds) -> LoginAnswer {
        let claims = self.claims.get();
        let Some(renewal) = renewal else { return Ok(claims) };
        let claims = renewal.apply(self.identity.user.as_ref(), claims)?;
        if let Some(end) = renewal.ends {
            let until = match end {
                LoginEnd::Never => Seconds::MAX,
                LoginEnd::At { left, .. } => now.saturating_add(left),
            };
            self.session.renew(until, login::closes(&claims));
        }
        self.claims = LoginClaims::new(&claims);
        if renewal.claims.is_some() {
            if let Some(app) = &mut self.app {
                app.renew_claims(&self.identity.id, &claims);
            }
            if let Some(caller) = &mut self.caller {
                caller.claims.clone_from(&claims);
            }
            if let Some(upstream) = &self.upstream {
                upstream.renew_claims(&claims);
            }
        }
        Ok(claims)
    }

    /// Whether a call of the client or of its app server is open. Another app server could not
    /// continue it.
    pub(super) fn is_busy_with_app(&self) -> bool {
        let asked = self.invocations.iter().flat_map(|all| all.values());
        let mut asked = asked.filter(|one| one.is_by_app && !one.is_passed_on);
        self.session.has_open_calls() || asked.any(|one| !one.answer.is_closed())
    }

    /// The encoding of hub messages for this connection.
    pub(super) fn encoding(&self) -> Encoding {
        let protocol = match self.session.protocol() {
            Protocol::OtherText if self.carrier.is_binary() => Protocol::OtherBinary,
            protocol => protocol,
        };
        Encoding { protocol, transport: self.carrier.transport() }
    }

    /// The name of the client's protocol, if only its app server knows this protocol.
    pub(super) fn other_protocol(&self) -> Option<&str> {
        self.app.as_ref().and_then(|app| app.other_protocol())
    }

    /// Sends a frame with this many numbered messages.
    // Each delivery calls this. A real call would cost as much as the checks.
    #[inline(always)]
    pub(super) fn send(
        &mut self,
        frame: &Bytes,
        messages: u32,
        max_queued: usize,
        now: Seconds,
    ) -> Result<(), QueueFull> {
        if self.session.is_asked()
            && let Some(app) = &mut self.app
        {
            // The client understands no message before the answer to its handshake.
            return app.hold(frame, messages, max_queued);
        }
        if !self.session.sent(frame, messages, max_queued, now) {
            return Err(QueueFull);
        }
        self.carrier.send(frame, max_queued, now)
    }

    /// How many bytes are held for the client or were received from it.
    pub(super) fn held(&self) -> usize {
        let of_both_ways = self.carrier.queued().saturating_add(self.session.kept());
        let of_app = self.app.as_ref().map_or(0, |app| app.held());
        of_both_ways.saturating_add(self.partial.bytes()).saturating_add(of_app)
    }

    /// Counts the bytes of incomplete messages, and of those that wait until the client has entered.
    /// Returns whether there are more than before.
    pub(super) fn count_partial(&mut self) -> bool {
        let posted = self.entering.as_ref().map_or(0, |entering| entering.posted);
        let partial = self.carrier.partial().saturating_add(self.session.partial());
        let partial = partial.saturating_add(posted);
        let before = self.partial.bytes();
        if partial != before {
            self.partial.set(partial);
        }
        partial > before
    }

    /// Writes the queued bytes and reads the received ones, as far as the carrier allows. The size
    /// of the messages is added to `received`.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        received: &mut u64,
        now: Seconds,
        rules: &Rules,
        max_queued: usize,
    ) -> Poll<Arrival> {
        // What the client says before it has entered would have to be held.
        if self.entering.is_some() || self.app.as_ref().is_some_and(|app| app.is_full(cx)) {
            return self.carrier.poll_unread(cx).map(|()| Arrival::Gone);
        }
        let session = &mut self.session;
        let mut effects = Vec::new();
        let on_message = |message: &[u8]| {
            *received += message.len() as u64;
            effects.extend(session.receive(message, now, rules));
        };
        self.carrier.poll(cx, buffer, rules.max_message, max_queued, on_message).map(|progress| {
            match progress {
                Progress::Read => Arrival::Effects(effects),
                Progress::Ended => {
                    self.session.transport_ended(now);
                    effects.push(Effect::End);
                    Arrival::Effects(effects)
                }
                Progress::Gone => Arrival::Gone,
            }
        })
    }

    /// Does the work that is due now: the work of the session, and the end of a client that stopped
    /// polling.
    pub(super) fn tick(&mut self, now: Seconds, rules: &Rules) -> Vec<Effect> {
        self.forget_callers();
        if self.entering.is_some() || self.app.as_ref().is_some_and(|app| app.is_busy()) {
            self.session.is_not_read(now);
        }
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

    /// Removes the callers of invocations that wait no longer.
    pub(super) fn forget_callers(&mut self) {
        if let Some(invocations) = &mut self.invocations {
            invocations.retain(|_, waiting| !waiting.answer.is_closed());
            if invocations.is_empty() {
                self.invocations = None;
            }
        }
    }

    /// When [`tick`](Self::tick) is due next.
    pub(super) fn deadline(&self, now: Seconds, rules: &Rules) -> Seconds {
        let of_polls = match &self.carrier {
            // Polls begin and end without a change of the timer, so the timer checks them each
            // second.
            Carrier::LongPolling(_) => now.saturating_add(1),
            Carrier::WebSocket(_) | Carrier::ServerSentEvents(_) | Carrier::Away => Seconds::MAX,
        };
        self.session.deadline(rules).min(of_polls)
    }
}
