//! The events of the input.

/// An event of the input: a line, the end of the input, or Ctrl-C.
#[derive(Debug)]
pub(crate) enum Input {
    Line(String),
    /// The input has ended.
    End,
    /// The user wants to leave, by Ctrl-C.
    Interrupted,
    Failed(String),
}
