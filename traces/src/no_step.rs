//! A step of a call in a program that sends no spans.

use std::fmt::Debug;

use http::{HeaderMap, HeaderValue};
use tracing::Span;

/// A step of a call: nothing here.
#[derive(Clone, Debug, Default)]
pub struct Step;

impl Step {
    /// Serves a call.
    #[must_use]
    pub fn serve(_name: &dyn Debug, _headers: &HeaderMap) -> Self {
        Self
    }

    /// Begins a step within the current one.
    #[must_use]
    pub fn begin(_name: &str) -> Option<Self> {
        None
    }

    /// Begins a call to another program.
    #[must_use]
    pub fn call(_name: &str) -> Option<Self> {
        None
    }

    /// What the work of the step is done in.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::none()
    }

    /// Notes a number.
    pub fn note(&self, _key: &'static str, _value: i64) {}

    /// Notes a text.
    pub fn note_text(&self, _key: &'static str, _value: &str) {}

    /// Notes that the step failed.
    pub fn fail(&self) {}

    /// The trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        None
    }

    /// What the calls that are part of this step carry as `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> Option<HeaderValue> {
        None
    }
}
