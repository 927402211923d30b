//! The log: which lines are written, and where to.

mod bursts;

use std::ffi::OsString;

use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use self::bursts::Bursts;
use crate::{failure::Failure, output::Output};

/// The variable that says which log lines are written.
pub(crate) const LOG_FILTER: &str = "RUST_LOG";

/// Begins to log. Standard output carries what a program may read, such as `ready`; the log stays off
/// it, and goes to standard error.
pub(crate) fn start(filter: Option<OsString>, standard_error: &Output) -> Result<(), Failure> {
    let bursts = Bursts::default();
    let standard_error = standard_error.clone();
    let lines = fmt::layer()
        .with_writer(move || standard_error.clone())
        .with_filter(chosen(filter)?.and(bursts.clone()));
    tracing_subscriber::registry().with(lines).init();
    tokio::spawn(bursts.tell());
    Ok(())
}

fn chosen(filter: Option<OsString>) -> Result<EnvFilter, Failure> {
    let filter = filter.unwrap_or_default().to_string_lossy().into_owned();
    EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse(&filter).map_err(
        |error| {
            Failure::Configuration(format!(
                "{LOG_FILTER} '{filter}' is no filter: {error}; write a level such as info, or \
                 pairs such as signalr_service=debug"
            ))
        },
    )
}
