//! Counts a burst of the same line instead of repeating it, so that a thousand slow clients or
//! failed calls do not flood the log.
//!
//! The same line is one from the same place in the source, whatever values it has. Of each the first
//! few of a period are written. At the period's end a line says how many more there were. What is for
//! debugging is written whole, and so is what came of each call.

use std::{
    collections::HashMap,
    fmt::{Debug, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval};
use tracing::{
    Event, Level, Metadata, Subscriber,
    callsite::Identifier,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::{
    layer::{Context, Filter},
    registry::LookupSpan,
};

/// How often the same line is written in a period.
const WRITTEN: u32 = 5;
/// How long a period is.
const PERIOD: Duration = Duration::from_secs(10);
/// How often the counts are reported.
const LOOK: Duration = Duration::from_secs(1);

/// The lines of the current periods, one for each place in the source that has logged. Clones share
/// them.
#[derive(Clone, Debug, Default)]
pub struct Bursts(
    // Held for short synchronous sections only, and never while something is logged.
    Arc<Mutex<HashMap<Identifier, Burst>>>,
);

/// One line in its period.
#[derive(Debug)]
struct Burst {
    since: Instant,
    written: u32,
    left_out: u64,
    /// The text of the first line that was left out.
    message: String,
    metadata: &'static Metadata<'static>,
}

impl Bursts {
    /// Says at the end of each period how many lines were left out. It never ends, and needs tokio's
    /// clock.
    pub async fn tell(self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            for burst in self.take_over(Instant::now()) {
                burst.tell();
            }
        }
    }

    /// Whether a line is one of the first in its period. Otherwise the line is counted.
    fn is_written(&self, event: &Event<'_>, now: Instant) -> bool {
        let metadata = event.metadata();
        let mut bursts = self.lock();
        let burst = bursts.entry(metadata.callsite()).or_insert_with(|| Burst {
            since: now,
            written: 0,
            left_out: 0,
            message: String::new(),
            metadata,
        });
        if burst.written < WRITTEN {
            burst.written += 1;
            return true;
        }
        if burst.left_out == 0 {
            event.record(&mut Message(&mut burst.message));
        }
        burst.left_out += 1;
        false
    }

    /// Ends the periods that are over. Returns the periods in which lines were left out.
    fn take_over(&self, now: Instant) -> Vec<Burst> {
        let is_over = |burst: &Burst| now.saturating_duration_since(burst.since) >= PERIOD;
        let mut bursts = self.lock();
        let over = bursts.extract_if(|_, burst| is_over(burst)).map(|(_, burst)| burst);
        over.filter(|burst| burst.left_out > 0).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identifier, Burst>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Burst {
    fn tell(&self) {
        let Self { left_out: more, message, metadata, .. } = self;
        let (from, seconds) = (metadata.target(), PERIOD.as_secs());
        match *metadata.level() {
            Level::ERROR => tracing::error!(more, seconds, from, "{message}"),
            Level::WARN => tracing::warn!(more, seconds, from, "{message}"),
            _ => tracing::info!(more, seconds, from, "{message}"),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for Bursts {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // A filter can leave out an event only if it is asked about each one.
        if is_counted(metadata) { Interest::sometimes() } else { Interest::always() }
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        let is_counted = is_counted(event.metadata()) && !is_of_a_call(event, context);
        !is_counted || self.is_written(event, Instant::now())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }
}

/// Whether a line may be part of a burst. Lines that report bursts are never counted.
fn is_counted(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO && metadata.target() != module_path!()
}

/// Whether a line says what came of one call, which is followed by this line: no two calls have the
/// same. What is wrong with calls may be a burst.
fn is_of_a_call<S>(event: &Event<'_>, context: &Context<'_, S>) -> bool
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    *event.metadata().level() == Level::INFO && context.event_span(event).is_some()
}

/// Takes what a line says, without its values.
struct Message<'a>(&'a mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing to a string never fails.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::{Layer, layer::SubscriberExt};

    use super::*;
    use crate::{format::Format, lines::Lines};

    struct Written(Vec<String>);

    impl Written {
        fn with(&self, text: &str) -> Vec<&String> {
            self.0.iter().filter(|line| line.contains(text)).collect()
        }
    }

    /// Logs `act`, and ends all periods behind it.
    fn logged(act: impl FnOnce()) -> Written {
        let (sender, lines) = std::sync::mpsc::channel();
        let writer = move |line: &[u8]| sender.send(line.to_vec()).unwrap();
        let bursts = Bursts::default();
        let layer = Lines { format: Format::Text, writer }.with_filter(bursts.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            act();
            for burst in bursts.take_over(Instant::now() + PERIOD) {
                burst.tell();
            }
            assert!(bursts.lock().is_empty(), "periods that are over are forgotten");
        });
        Written(lines.try_iter().map(|line| String::from_utf8(line).unwrap()).collect())
    }

    #[test]
    fn a_burst_is_counted_and_other_lines_are_written() {
        let lines = logged(|| {
            for client in 0..1000 {
                tracing::warn!(client, "a client is slow");
            }
            tracing::warn!("something else");
        });
        let slow = lines.with("a client is slow");
        assert_eq!(slow.len(), 6, "{slow:?}");
        assert!(slow[5].contains("WARN") && slow[5].contains("more=995"), "{slow:?}");
        assert_eq!(lines.with("something else").len(), 1);
        assert_eq!(lines.with("more=").len(), 1);
    }

    #[test]
    fn what_came_of_each_call_is_written_and_what_is_wrong_with_calls_is_counted() {
        let lines = logged(|| {
            for id in 0..100 {
                let call = tracing::info_span!("call", id);
                call.in_scope(|| tracing::warn!("a token is refused"));
                call.in_scope(|| tracing::info!("a call was answered"));
            }
        });
        assert_eq!(lines.with("a call was answered").len(), 100);
        assert_eq!(lines.with("a token is refused").len(), 6);
    }

    #[test]
    fn a_few_lines_are_no_burst() {
        let lines = logged(|| (0..5).for_each(|_| tracing::info!("a few")));
        assert_eq!((lines.with("a few").len(), lines.with("more=").len()), (5, 0));
    }

    #[test]
    fn what_is_for_debugging_is_written_whole() {
        let lines = logged(|| (0..100).for_each(|number| tracing::debug!(number, "a step")));
        assert_eq!(lines.with("a step").len(), 100);
    }
}
