//! The scenarios.

mod bar;
mod bystanders;
mod clock;
mod half_handshakes;
mod output;
mod parts;
mod pieces;
mod reconnects;
mod stalled;
mod stopped;
mod visits;

use crate::{Failure, Scale, client::Transport};

/// A scenario that the service must survive without loss for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scenario {
    /// Callers send a part of something on every path that reads, and then nothing more.
    Parts,
    /// Thousands of handshakes begin and never end.
    HalfHandshakes,
    /// Thousands of WebSockets stop reading, while others read.
    StalledWebSockets,
    /// The same with event streams.
    StalledEvents,
    /// The same with polls.
    StalledPolls,
    /// A large frame, a large body and the head of an upgrade are sent byte by byte.
    Pieces,
    /// WebSockets connect and leave without a pause, from eight addresses.
    VisitsOfWebSockets,
    /// The same with event streams.
    VisitsOfEvents,
    /// The same with polls.
    VisitsOfPolls,
    /// The wall clock jumps by an hour, forward and back.
    Clock,
    /// The process is stopped for longer than the client time limit, and then continues.
    Stopped,
    /// Nobody reads the log, and much is logged.
    Output,
    /// All clients lose their sockets at the same time, and reconnect at the same time.
    Reconnects,
}

impl Scenario {
    /// All scenarios.
    pub const ALL: [Self; 13] = [
        Self::Parts,
        Self::HalfHandshakes,
        Self::StalledWebSockets,
        Self::StalledEvents,
        Self::StalledPolls,
        Self::Pieces,
        Self::VisitsOfWebSockets,
        Self::VisitsOfEvents,
        Self::VisitsOfPolls,
        Self::Clock,
        Self::Stopped,
        Self::Output,
        Self::Reconnects,
    ];

    /// The scenario's name on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parts => "parts",
            Self::HalfHandshakes => "half-handshakes",
            Self::StalledWebSockets => "stalled-websockets",
            Self::StalledEvents => "stalled-events",
            Self::StalledPolls => "stalled-polls",
            Self::Pieces => "pieces",
            Self::VisitsOfWebSockets => "visits-of-websockets",
            Self::VisitsOfEvents => "visits-of-events",
            Self::VisitsOfPolls => "visits-of-polls",
            Self::Clock => "clock",
            Self::Stopped => "stopped",
            Self::Output => "output",
            Self::Reconnects => "reconnects",
        }
    }

    /// Runs the scenario against a `signalr` binary. Returns what was measured.
    ///
    /// # Errors
    ///
    /// A text that names the first thing that was lost, late or too large.
    pub async fn run(self, binary: &str, scale: Scale) -> Result<String, Failure> {
        // Thousands of sockets are files. Some systems refuse their own hard limit.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        match self {
            Self::Parts => parts::run(binary, scale).await,
            Self::HalfHandshakes => half_handshakes::run(binary, scale).await,
            Self::StalledWebSockets => stalled::run(binary, scale, Transport::WebSockets).await,
            Self::StalledEvents => stalled::run(binary, scale, Transport::Events).await,
            Self::StalledPolls => stalled::run(binary, scale, Transport::Polls).await,
            Self::Pieces => pieces::run(binary, scale).await,
            Self::VisitsOfWebSockets => visits::run(binary, scale, Transport::WebSockets).await,
            Self::VisitsOfEvents => visits::run(binary, scale, Transport::Events).await,
            Self::VisitsOfPolls => visits::run(binary, scale, Transport::Polls).await,
            Self::Clock => clock::run(binary, scale).await,
            Self::Stopped => stopped::run(binary, scale).await,
            Self::Output => output::run(binary, scale).await,
            Self::Reconnects => reconnects::run(binary, scale).await,
        }
    }
}
