//! The command's log, and the traces of the commands that serve.

use std::{ffi::OsString, time::Duration};

use signalr_http_client::{Trust, client};
use signalr_log::{FILTER_VARIABLE, Format, Log};
use signalr_traces::Export;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use crate::{failure::Failure, output::Output};

/// How long the end waits for a collector of traces.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The traces that are sent to a collector, if there is one.
#[derive(Debug)]
pub(crate) struct Traces(Option<Export>);

/// Starts the log. It goes to standard error, because programs read standard output for lines such as
/// `ready`.
pub(crate) fn start(
    environment: &impl Fn(&str) -> Option<OsString>,
    format: Format,
    has_traces: bool,
    standard_error: &Output,
) -> Result<Traces, Failure> {
    let filter = environment(FILTER_VARIABLE).unwrap_or_default();
    let log = Log::new(&filter.to_string_lossy(), LevelFilter::WARN, format)
        .map_err(|error| Failure::configuration(&error))?;
    let export = if has_traces { export(environment)? } else { None };
    let standard_error = standard_error.clone();
    let (lines, bursts) = log.layer(move |line| standard_error.send(line));
    tracing_subscriber::registry().with(lines).with(export.as_ref().map(Export::layer)).init();
    tokio::spawn(bursts.tell());
    Ok(Traces(export))
}

/// A collector behind TLS is checked by the same authorities as other servers.
fn export(environment: &impl Fn(&str) -> Option<OsString>) -> Result<Option<Export>, Failure> {
    let file = environment("SSL_CERT_FILE").filter(|file| !file.is_empty());
    let trust = file.map(|file| Trust::from_file(file.as_ref())).transpose();
    let trust = trust.map_err(|error| Failure::configuration(&error))?.unwrap_or_default();
    let http = client(&trust).map_err(|error| Failure::configuration(&error))?;
    Export::start(http, "signalr", environment).map_err(|error| Failure::configuration(&error))
}

impl Traces {
    /// Sends the last spans.
    pub(crate) async fn end(self) {
        if let Some(export) = self.0 {
            export.end(LAST_SPANS).await;
        }
    }
}
