//! An error's text with the texts of its causes, for a log.

use std::error::Error;

/// The text of an error and of its causes, in one line. A cause is left out if its text is already
/// there.
///
/// ```
/// # #[derive(Debug, thiserror::Error)]
/// # #[error("the keys cannot be fetched")]
/// # struct Fetching(#[source] std::io::Error);
/// let error = Fetching(std::io::Error::other("connection refused"));
/// let text = signalr_serverless::with_causes(&error);
/// assert_eq!(text, "the keys cannot be fetched: connection refused");
/// ```
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    // The texts of some libraries have several lines.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
