//! Sending spans to a collector by OTLP over HTTP.
//!
//! Spans wait in a queue of 2,048, and a thread sends them. What is full takes nothing more, so nothing
//! waits for a collector that is away or slow.

use std::{ffi::OsString, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::{Layer, filter::FilterFn, registry::LookupSpan};

use crate::{collector::Collector, variable};

/// For a request to the collector. Source: OpenTelemetry.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Why no spans can be sent. The text names the variable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// What the collector is to be spoken to in is not there.
    #[error("{variable}: '{value}' is not known; use http/protobuf, or leave it out")]
    Protocol {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
    },
    /// A time is not a number.
    #[error("{variable}: '{value}' is not a time; write milliseconds, such as 10000")]
    Timeout {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
    },
    /// Where the collector is cannot be used, or something else that the library says.
    #[error("{variable}: {problem}")]
    Exporter {
        /// The variable.
        variable: &'static str,
        /// What the library says.
        problem: String,
    },
}

/// Spans are sent for as long as it lives.
#[derive(Debug)]
pub struct Export(SdkTracerProvider);

impl Export {
    /// Begins to send spans, if the standard variables name a collector. `None` if they name none, or
    /// say that nothing is to be sent. `name` is the program's name unless the variables say another.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    ///
    /// # Panics
    ///
    /// Outside a runtime of tokio.
    pub fn start(
        http: reqwest::Client,
        name: &'static str,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, ExportError> {
        let text = |name: &str| {
            let value = environment(name)?.to_string_lossy().trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let first =
            |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, text(name)?)));
        let Some((endpoint, _)) = first(variable::ENDPOINTS) else { return Ok(None) };
        if text(variable::DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || text(variable::EXPORTER).is_some_and(|value| value == "none")
        {
            return Ok(None);
        }
        if let Some((variable, value)) = first(variable::PROTOCOLS)
            && value != "http/protobuf"
        {
            return Err(ExportError::Protocol { variable, value });
        }
        let time_limit = match first(variable::TIMEOUTS) {
            Some((variable, value)) => match value.parse() {
                Ok(milliseconds) => Duration::from_millis(milliseconds),
                Err(_) => return Err(ExportError::Timeout { variable, value }),
            },
            None => TIME_LIMIT,
        };
        let collector = Collector { http, runtime: Handle::current(), time_limit };
        let exporter = SpanExporter::builder().with_http().with_http_client(collector).build();
        let exporter = exporter.map_err(|error| ExportError::Exporter {
            variable: endpoint,
            problem: error.to_string(),
        })?;
        let has_name = text(variable::SERVICE_NAME).is_some()
            || text(variable::RESOURCE).is_some_and(|all| all.contains("service.name="));
        let resource = Resource::builder();
        let resource = if has_name { resource } else { resource.with_service_name(name) };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_span_processor(BatchSpanProcessor::builder(exporter).build());
        Ok(Some(Self(provider.build())))
    }

    /// The part of a subscriber that takes the steps, and nothing else.
    #[must_use]
    pub fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("signalr"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(FilterFn::new(is_step))
            .boxed()
    }

    /// Sends what waits, for so long at most, and ends.
    pub async fn end(self, at_most: Duration) {
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(at_most));
        // What cannot be sent has been logged.
        let _ = tokio::time::timeout(at_most, ended).await;
    }
}

fn is_step(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == crate::step::TARGET
}
