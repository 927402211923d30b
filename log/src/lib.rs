//! One shape of log for the service and the functions: one line for each event, with the time, for
//! people or for machines.
//!
//! ```
//! use std::io::{self, Write};
//! use signalr_log::{Format, Log};
//! use tracing::level_filters::LevelFilter;
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! let log = Log::new("signalr_service=debug,warn", LevelFilter::WARN, Format::Json)?;
//! let (layer, bursts) = log.layer(|line| drop(io::stderr().write_all(line)));
//! let subscriber = tracing_subscriber::registry().with(layer);
//! # let _ = (subscriber, bursts);
//! # Ok::<(), signalr_log::FilterError>(())
//! ```
//!
//! | file | concern |
//! |---|---|
//! | `lib` | which lines are written |
//! | `lines` | each event as one line |
//! | `fields` | what an event or a span says |
//! | `format` | for people, or for machines |
//! | `one_line` | an event is one line, whatever is in it |
//! | `bursts` | a burst of the same line is counted |

#![warn(missing_docs)]

mod bursts;
mod fields;
mod format;
mod lines;
mod one_line;

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, Targets},
    registry::LookupSpan,
};

use self::lines::Lines;
pub use self::{
    bursts::Bursts,
    format::{Format, FormatError},
};

/// The variable that says which lines are written.
pub const FILTER_VARIABLE: &str = "RUST_LOG";

/// The variable that says how they are written.
pub const FORMAT_VARIABLE: &str = "SIGNALR_LOG_FORMAT";

/// Spans with this target are for traces (`signalr-traces`) and not for the log.
pub const TRACES: &str = "signalr_traces::step";

/// These print whole requests, with their tokens, if everything is written.
const PRINT_SECRETS: [&str; 2] = ["lambda_runtime", "lambda_http"];

/// A text that does not say which lines are written.
#[derive(Debug, thiserror::Error)]
#[error(
    "{FILTER_VARIABLE} '{filter}' is not a filter: {problem}; write a level such as info, or pairs such as \
     signalr_service=debug"
)]
pub struct FilterError {
    filter: String,
    problem: String,
}

/// Which lines are written, and how.
#[derive(Clone, Debug)]
pub struct Log {
    filter: Targets,
    format: Format,
}

impl Log {
    /// Writes the lines that `filter` names, a level or pairs of target and level with commas between.
    /// If it is blank, it writes those of `usual` and above.
    ///
    /// # Errors
    ///
    /// [`FilterError`].
    pub fn new(filter: &str, usual: LevelFilter, format: Format) -> Result<Self, FilterError> {
        let chosen = match filter.trim() {
            "" => Targets::new().with_default(usual),
            text => text.parse().map_err(|problem: tracing_subscriber::filter::ParseError| {
                FilterError { filter: filter.to_owned(), problem: problem.to_string() }
            })?,
        };
        let default = chosen.default_level().unwrap_or(LevelFilter::OFF);
        let filter = PRINT_SECRETS.iter().fold(chosen, |filter, target| {
            filter.with_target(*target, default.min(LevelFilter::INFO))
        });
        Ok(Self { filter: filter.with_target(TRACES, LevelFilter::OFF), format })
    }

    /// The part of a subscriber that hands each line to `writer`, and the counts of bursts, which say at the end of each
    /// period what they left out.
    pub fn layer<S, W>(self, writer: W) -> (Box<dyn Layer<S> + Send + Sync>, Bursts)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        W: Fn(&[u8]) + Send + Sync + 'static,
    {
        let bursts = Bursts::default();
        let filter = self.filter.and(bursts.clone());
        (Lines { format: self.format, writer }.with_filter(filter).boxed(), bursts)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// The lines that `act` leaves if everything is written.
    pub(crate) fn written(format: Format, act: impl FnOnce()) -> Vec<String> {
        let log = Log::new("trace", LevelFilter::WARN, format).unwrap();
        let (sender, lines) = mpsc::channel();
        let (layer, _) = log.layer(move |line| sender.send(line.to_vec()).unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        let line = |bytes| String::from_utf8(bytes).unwrap().strip_suffix('\n').unwrap().to_owned();
        lines.try_iter().map(line).collect()
    }

    #[test]
    fn what_prints_whole_requests_is_never_written_and_a_trace_is_no_log() {
        let lines = written(Format::Text, || {
            tracing::trace!(target: "lambda_runtime::layers", "with its token");
            tracing::info!(target: "lambda_runtime", "it begins");
            let span = tracing::info_span!(target: TRACES, "step");
            span.in_scope(|| tracing::info!("a line"));
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("it begins"), "{lines:?}");
        assert!(!lines[1].contains("step"), "{lines:?}");
    }

    #[test]
    fn a_blank_filter_is_the_usual_one_and_a_bad_one_is_named() {
        let log = |filter| Log::new(filter, LevelFilter::WARN, Format::Text);
        assert_eq!(log(" ").unwrap().filter.default_level(), Some(LevelFilter::WARN));
        assert_eq!(log("debug,x=off").unwrap().filter.default_level(), Some(LevelFilter::DEBUG));
        let error = log("signalr=loud").unwrap_err().to_string();
        assert!(error.starts_with("RUST_LOG 'signalr=loud' is not a filter: "), "{error}");
    }
}
