//! A step of a call.

use std::fmt::Debug;

use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{SpanContext, Status, TraceContextExt},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// The target of all steps, by which the log passes over them.
pub(crate) const TARGET: &str = module_path!();

/// A step of a call, which ends when all its clones are dropped. It is nothing while no spans are sent.
#[derive(Clone, Debug)]
pub struct Step(Span);

impl Step {
    /// Serves a call, as part of the trace that its header `traceparent` names, or of a new one. The
    /// name is one of few, so no part of it comes from outside.
    #[must_use]
    pub fn serve(name: &dyn Debug, headers: &HeaderMap) -> Self {
        let span =
            tracing::info_span!(parent: None, "serve", otel.name = ?name, otel.kind = "server");
        if !span.is_disabled() {
            let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
            // It fails only for a span that has begun.
            let _ = span.set_parent(caller);
        }
        Self(span)
    }

    /// Begins a step within the current one. `None` while no spans are sent.
    #[must_use]
    pub fn begin(name: &str) -> Option<Self> {
        let span = tracing::info_span!("step", otel.name = name);
        (!span.is_disabled()).then_some(Self(span))
    }

    /// Begins a call to another program within the current step, or a new trace if there is none.
    /// `None` while no spans are sent.
    #[must_use]
    pub fn call(name: &str) -> Option<Self> {
        let span = tracing::info_span!("call", otel.name = name, otel.kind = "client");
        (!span.is_disabled()).then_some(Self(span))
    }

    /// What the work of the step is done in.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.clone()
    }

    /// Notes a number, by a name that OpenTelemetry gives it if it has one.
    pub fn note(&self, key: &'static str, value: i64) {
        self.0.set_attribute(key, value);
    }

    /// Notes a text. No text may be a secret.
    pub fn note_text(&self, key: &'static str, value: &str) {
        if !self.0.is_disabled() {
            self.0.set_attribute(key, value.to_owned());
        }
    }

    /// Notes that the step failed.
    pub fn fail(&self) {
        self.0.set_status(Status::error(""));
    }

    /// The trace: 32 hexadecimal digits. `None` while no spans are sent.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        self.context().map(|context| context.trace_id().to_string())
    }

    /// What the calls that are part of this step carry as `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> Option<HeaderValue> {
        self.context()?;
        let mut headers = HeaderMap::new();
        let propagator = TraceContextPropagator::new();
        propagator.inject_context(&self.0.context(), &mut HeaderInjector(&mut headers));
        headers.remove(TRACEPARENT)
    }

    fn context(&self) -> Option<SpanContext> {
        if self.0.is_disabled() {
            return None;
        }
        let context = self.0.context().span().span_context().clone();
        context.is_valid().then_some(context)
    }
}
