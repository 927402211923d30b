//! The log and the traces of the process, for the operator.

use std::io::{self, Write};

#[cfg(feature = "traces")]
use signalr_traces::Export;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Config, environment::ConfigError};

/// How long the end waits for a collector.
#[cfg(feature = "traces")]
const LAST_SPANS: std::time::Duration = std::time::Duration::from_secs(2);

/// The log and the traces of the process.
pub(super) struct Watched {
    #[cfg(feature = "traces")]
    export: Option<Export>,
}

impl Watched {
    /// Starts the log. If the environment names a collector, it also starts to send spans.
    pub(super) fn start(config: &Config) -> Result<Self, ConfigError> {
        let write = |line: &[u8]| drop(io::stderr().write_all(line));
        let (lines, bursts) = config.log.clone().layer(write);
        tokio::spawn(bursts.tell());
        let log = tracing_subscriber::registry().with(lines);
        #[cfg(feature = "traces")]
        {
            let export = config.traces()?;
            // A program with its own log keeps it.
            let _ = log.with(export.as_ref().map(Export::layer)).try_init();
            Ok(Self { export })
        }
        #[cfg(not(feature = "traces"))]
        {
            let _ = log.try_init();
            Ok(Self {})
        }
    }

    /// Sends the last spans.
    pub(super) async fn end(self) {
        #[cfg(feature = "traces")]
        if let Some(export) = self.export {
            export.end(LAST_SPANS).await;
        }
    }
}
