//! How the broker names a connection.

/// How the broker names a connection. Each run of the broker counts its connections again, so the
/// run belongs to the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnectionMark {
    pub(super) number: Option<u64>,
    pub(super) run: String,
}
