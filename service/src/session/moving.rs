//! Moves a session with stateful reconnect to another node.

use super::{Phase, Seconds, Session, reliable::Sent};
use crate::protocol::Protocol;

/// How many bytes of frames may move with a session. The broker carries them in one piece.
const MAX_MOVED: usize = 8 * 1024 * 1024;

/// The state that moves with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MovedSession {
    /// The frames that the client has not acknowledged, in order.
    pub(crate) kept: Vec<Sent>,
    /// The number of the last message sent.
    pub(crate) sent: u64,
    /// The number of the last message received.
    pub(crate) received: u64,
    pub(crate) has_pinged: bool,
    /// How long a renewed login still lasts, and whether the session ends with it.
    pub(crate) renewed: Option<(Seconds, bool)>,
}

impl Session {
    /// Whether the session can continue at another node. A session of an app server cannot.
    pub(crate) fn may_move(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Away { .. })
            && self.reliable.as_ref().is_some_and(|reliable| reliable.kept_bytes() <= MAX_MOVED)
            && !self.is_of_app
            && !self.arrives
    }

    /// Ends the session on this node. Returns the state that moves with it.
    pub(crate) fn move_out(&self, now: Seconds) -> Option<MovedSession> {
        let reliable = self.reliable.as_ref().filter(|_| self.may_move())?;
        let (kept, sent) = reliable.unacknowledged();
        Some(MovedSession {
            kept,
            sent,
            received: reliable.received(),
            has_pinged: self.has_pinged,
            renewed: self
                .renewed
                .map(|end| (end.saturating_sub(now), self.terms.expires == Some(end))),
        })
    }

    /// Begins a session that comes from another node. Frames for the client are kept until its
    /// state arrives.
    pub(crate) fn arrive(&mut self, protocol: Protocol, now: Seconds) {
        self.phase = Phase::Away { since: now };
        self.protocol = protocol;
        self.arrives = true;
    }

    /// Whether the session's state has not arrived yet.
    pub(crate) fn arrives(&self) -> bool {
        self.arrives
    }

    /// Notes calls that the upstream of the other node has still to answer.
    pub(crate) fn calls_are_open(&mut self, ids: &[String]) {
        let calls = self.calls.get_or_insert_default();
        for id in ids {
            calls.add(id);
        }
    }

    /// The calls that the upstream of another node has still to answer.
    pub(crate) fn open_calls(&self) -> Vec<String> {
        self.calls.iter().flat_map(|calls| calls.ids()).map(str::to_owned).collect()
    }

    /// Takes the state of the session from the other node. The frames in it come before all frames
    /// that are kept here.
    pub(crate) fn arrived(&mut self, moved: MovedSession, now: Seconds) {
        self.arrives = false;
        self.has_pinged = moved.has_pinged;
        if let Some((left, closes)) = moved.renewed {
            self.renew(now.saturating_add(left), closes);
        }
        if let Some(reliable) = &mut self.reliable {
            reliable.begin_with(moved.kept, moved.sent, moved.received);
        }
    }
}
