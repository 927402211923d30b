//! Each event as one line.

use time::OffsetDateTime;
use tracing::{
    Event, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{
    fields::Fields,
    format::{Format, Line},
    one_line::escape,
};

/// The part of a subscriber that writes lines, each with one call of the writer.
pub(crate) struct Lines<W> {
    pub(crate) format: Format,
    pub(crate) writer: W,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = context.event_span(event);
        let name = span.as_ref().map(tracing_subscriber::registry::SpanRef::name);
        let extensions = span.as_ref().map(tracing_subscriber::registry::SpanRef::extensions);
        let of_span = extensions.as_ref().and_then(|extensions| extensions.get::<Fields>());
        let line = Line {
            at: OffsetDateTime::now_utc(),
            metadata: event.metadata(),
            fields: &fields,
            span: name.zip(of_span),
        };
        let mut line = escape(&line.write(self.format));
        line.push('\n');
        (self.writer)(line.as_bytes());
    }
}
