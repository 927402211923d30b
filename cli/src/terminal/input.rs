//! What the input brings.

/// What the input brings.
#[derive(Debug)]
pub(crate) enum Input {
    Line(String),
    /// It has ended.
    End,
    /// The user wants to leave, by Ctrl-C.
    Interrupted,
    Failed(String),
}
