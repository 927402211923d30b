//! The transports, and the one error that all of them have.

/// The ways to move bytes between a client and the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSockets,
    ServerSentEvents,
    LongPolling,
}

impl Transport {
    pub(crate) const ALL: [Self; 3] = [Self::WebSockets, Self::ServerSentEvents, Self::LongPolling];

    /// Its name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "websockets",
            Self::ServerSentEvents => "server_sent_events",
            Self::LongPolling => "long_polling",
        }
    }

    /// Whether a client of this transport sends pings and gets them. Polls show without pings that
    /// both sides are connected.
    pub(crate) fn has_pings(self) -> bool {
        match self {
            Self::WebSockets | Self::ServerSentEvents => true,
            Self::LongPolling => false,
        }
    }

    /// Whether it carries text only, so that it cannot carry MessagePack.
    pub(crate) fn is_text_only(self) -> bool {
        match self {
            Self::ServerSentEvents => true,
            Self::WebSockets | Self::LongPolling => false,
        }
    }

    /// Whether a client may continue on another transport of this kind. Source: stateful reconnect
    /// of ASP.NET Core works with WebSockets only.
    pub(crate) fn can_be_stateful(self) -> bool {
        match self {
            Self::WebSockets => true,
            Self::ServerSentEvents | Self::LongPolling => false,
        }
    }
}

/// A set of transports that a client may use. All of them by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transports(u8);

impl Transports {
    const ALL: u8 = 7;

    /// The set of a bit mask. Source: `HttpTransportType` of ASP.NET Core. `None` if the mask
    /// contains no known transport.
    pub(crate) fn from_mask(mask: u64) -> Option<Self> {
        let known = u8::try_from(mask & u64::from(Self::ALL)).ok()?;
        (known != 0).then_some(Self(known))
    }

    pub(crate) fn contain(self, transport: Transport) -> bool {
        let bit = match transport {
            Transport::WebSockets => 1,
            Transport::ServerSentEvents => 2,
            Transport::LongPolling => 4,
        };
        self.0 & bit != 0
    }
}

impl Default for Transports {
    fn default() -> Self {
        Self(Self::ALL)
    }
}

/// The client reads less than is sent to it, and its queue is full.
#[derive(Debug)]
pub(crate) struct QueueFull;
