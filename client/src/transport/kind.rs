//! The three transports.

/// How the bytes of a connection travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "SignalR has these three")]
pub enum Kind {
    /// One socket for both directions.
    WebSockets,
    /// One response that does not end for what comes, requests for what goes. Text only.
    ServerSentEvents,
    /// Requests that wait for what comes, and others for what goes.
    LongPolling,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::WebSockets, Self::ServerSentEvents, Self::LongPolling];

    /// The name in negotiations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSockets",
            Self::ServerSentEvents => "ServerSentEvents",
            Self::LongPolling => "LongPolling",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether client and server say that they are there. Polls do so by themselves.
    pub(crate) fn has_pings(self) -> bool {
        self != Self::LongPolling
    }
}
