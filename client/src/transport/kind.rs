//! The three transports.

/// How the bytes of a connection are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "SignalR has these three")]
pub enum Kind {
    /// One socket for both directions.
    WebSockets,
    /// An endless response for data from the server, and requests for data to the server. Text
    /// only.
    ServerSentEvents,
    /// Requests that wait for data from the server, and other requests for data to the server.
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

    /// Whether client and server send pings. Polls make them unnecessary.
    pub(crate) fn has_pings(self) -> bool {
        self != Self::LongPolling
    }
}
