//! The kinds of events.

/// The kind of an event.
///
/// ```
/// use signalr_serverless::upstream::Category;
///
/// assert_eq!(Category::Connections.as_str(), "connections");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "Azure has these two")]
pub enum Category {
    /// A client has connected or gone: the events `connected` and `disconnected`.
    Connections,
    /// A client calls a method: the event is its target.
    Messages,
}

impl Category {
    /// The names of all.
    pub const NAMES: &[&str] = &[Self::Connections.as_str(), Self::Messages.as_str()];

    /// The name in the header and in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Messages => "messages",
        }
    }
}
