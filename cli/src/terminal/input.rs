//! What the input returns.

/// What the input returns: a line, its end or Ctrl-C.
#[derive(Debug)]
pub(crate) enum Input {
    Line(String),
    /// The input has ended.
    End,
    /// The user wants to leave, by Ctrl-C.
    Interrupted,
    Failed(String),
}
