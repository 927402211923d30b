//! How much of everything.

use std::time::Duration;

/// How large the scenarios are, and how late events may be.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Callers that send a part of something, for each kind of part.
    pub(crate) callers: usize,
    /// Handshakes that are begun and not ended.
    pub(crate) half_handshakes: usize,
    /// Clients that stop reading.
    pub(crate) stalled: usize,
    /// Clients that read beside them.
    pub(crate) healthy: usize,
    /// Bytes of a frame that comes in pieces of one.
    pub(crate) frame: usize,
    /// Clients that come and leave in a second, and for how many seconds.
    pub(crate) visits: (usize, u64),
    /// Clients that reconnect at once.
    pub(crate) reconnects: usize,
    /// How long messages are sent for, where that is not the scenario itself.
    pub(crate) publishing: Duration,
    /// How long the process is stopped, and the service's client time limit in seconds.
    pub(crate) stop: (Duration, u64),
    /// By how much an event may be later than on a quiet machine.
    patience: u32,
}

impl Scale {
    /// As large as the service is meant to survive, for a release build on a quiet machine. Neither
    /// side has more than 20,000 sockets.
    pub const FULL: Self = Self {
        callers: 1000,
        half_handshakes: 10_000,
        stalled: 5000,
        healthy: 1000,
        frame: 1024 * 1024 - 100,
        visits: (1000, 120),
        reconnects: 1000,
        publishing: Duration::from_secs(30),
        stop: (Duration::from_secs(32), 30),
        patience: 1,
    };

    /// As large, on a machine that does much else: events may be ten times as late.
    pub const BUSY: Self = Self { patience: 10, ..Self::FULL };

    /// Small enough for a debug build on a busy machine, where events may be ten times as late.
    pub const SMALL: Self = Self {
        callers: 10,
        half_handshakes: 300,
        stalled: 60,
        healthy: 20,
        frame: 50_000,
        visits: (50, 4),
        reconnects: 50,
        publishing: Duration::from_secs(4),
        stop: (Duration::from_secs(7), 6),
        patience: 10,
    };

    /// When an event is too late that should come within `time`.
    pub(crate) fn bar(self, time: Duration) -> Duration {
        time * self.patience
    }
}
