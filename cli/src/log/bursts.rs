//! A burst of the same line is counted and not repeated, so that a thousand slow clients or failed
//! calls are no flood.
//!
//! The same line is one from the same place in the source, whatever values it has. Of each the first
//! few of a period are written. At the period's end a line says how many more there were. What is for
//! debugging is written whole.

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
use tracing_subscriber::layer::{Context, Filter};

/// How many of the same line are written in a period.
const WRITTEN: u32 = 5;
/// How long a line is counted for.
const PERIOD: Duration = Duration::from_secs(10);
/// How often it is seen to that counts are told.
const LOOK: Duration = Duration::from_secs(1);

/// The lines of the current periods, one for each place in the source that has logged. Clones are one
/// and the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Bursts(
    // Held for short synchronous sections only, and never while something is logged.
    Arc<Mutex<HashMap<Identifier, Burst>>>,
);

/// One line in its period.
#[derive(Debug)]
struct Burst {
    since: Instant,
    written: u32,
    left_out: u64,
    /// What the first one that was left out said.
    message: String,
    metadata: &'static Metadata<'static>,
}

impl Bursts {
    /// Tells how many lines were left out, at the end of each period.
    pub(super) async fn tell(self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            for burst in self.take_over(Instant::now()) {
                burst.tell();
            }
        }
    }

    /// Whether a line is one of the first in its period. Any other is counted.
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

    /// Ends the periods that are over. Returns those in which lines were left out.
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

impl<S: Subscriber> Filter<S> for Bursts {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // An event that a filter leaves out must be one that it was asked about before.
        if is_counted(metadata) { Interest::sometimes() } else { Interest::always() }
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        !is_counted(event.metadata()) || self.is_written(event, Instant::now())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }
}

/// Whether a line may be part of a burst. What tells of bursts comes once for each.
fn is_counted(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO && metadata.target() != module_path!()
}

/// Takes what a line says, without its values.
struct Message<'a>(&'a mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // A string takes everything.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tracing_subscriber::{Layer, fmt, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn with(&self, text: &str) -> Vec<String> {
            let lines = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            lines.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
        }
    }

    /// Logs `act`, and ends all periods behind it.
    fn logged(act: impl FnOnce()) -> Lines {
        let (bursts, lines) = (Bursts::default(), Lines::default());
        let writer = lines.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).with_filter(bursts.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            act();
            for burst in bursts.take_over(Instant::now() + PERIOD) {
                burst.tell();
            }
            assert!(bursts.lock().is_empty(), "periods that are over are forgotten");
        });
        lines
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
