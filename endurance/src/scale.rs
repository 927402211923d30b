//! The size of the scenarios.

use std::time::Duration;

/// The size of the scenarios, and the allowed delay of events.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The callers that send only a part of something, for each kind of part.
    pub(crate) callers: usize,
    /// The handshakes that begin and never end.
    pub(crate) half_handshakes: usize,
    /// Clients that stop reading.
    pub(crate) stalled: usize,
    /// Clients that read at the same time.
    pub(crate) healthy: usize,
    /// The bytes of a frame that is sent byte by byte.
    pub(crate) frame: usize,
    /// How many clients connect and leave in each second, and for how many seconds.
    pub(crate) visits: (usize, u64),
    /// Clients that reconnect at the same time.
    pub(crate) reconnects: usize,
    /// How long messages are sent, if the scenario itself does not decide this.
    pub(crate) publishing: Duration,
    /// How long the process is stopped, and the service's client time limit in seconds.
    pub(crate) stop: (Duration, u64),
    /// The factor by which an event may be later than on a quiet machine.
    patience: u32,
}

impl Scale {
    /// The largest size that the service must survive, for a release build on a quiet machine. Each
    /// side has at most 20,000 sockets.
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

    /// The same size on a busy machine: events may be ten times as late.
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

    /// The limit for an event that should come within `time`.
    pub(crate) fn bar(self, time: Duration) -> Duration {
        time * self.patience
    }
}
