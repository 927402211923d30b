//! The two encodings of messages.

/// How messages are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "hub protocols have these two encodings")]
pub enum Protocol {
    /// Text, which every transport carries.
    #[default]
    Json,
    /// Binary, which server-sent events cannot carry.
    MessagePack,
}

impl Protocol {
    /// The name in handshakes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "messagepack",
        }
    }
}
