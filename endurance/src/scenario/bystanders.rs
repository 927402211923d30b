//! Bystanders of something bad: clients of every transport, and callers that ask for the service's
//! health.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time::sleep};

use super::bar::at_most;
use crate::{
    Failure, Scale, client::listener::Listeners, http::is_healthy, publisher::publish, site::Site,
};

/// The time between two messages.
const EACH: Duration = Duration::from_millis(100);
/// How late a message may be, and how long the answer to a call may take.
const BAR: Duration = Duration::from_secs(1);
/// Listeners of each transport.
const LISTENERS: usize = 5;

/// The bystanders of a scenario.
pub(super) struct Bystanders {
    is_over: Arc<AtomicBool>,
    seen: JoinHandle<Result<Seen, Failure>>,
    scale: Scale,
}

/// The worst values that the bystanders saw.
pub(super) struct Seen {
    pub(super) latest_message: Duration,
    pub(super) longest_call: Duration,
}

impl Bystanders {
    pub(super) async fn begin(site: &Site, scale: Scale) -> Result<Self, Failure> {
        let listeners = Listeners::of_each(site, LISTENERS).await?;
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = tokio::spawn(watch(site.clone(), listeners, Arc::clone(&is_over)));
        Ok(Self { is_over, seen, scale })
    }

    /// Ends the watch. Fails if the bystanders saw anything late or lost.
    pub(super) async fn end(self) -> Result<Seen, Failure> {
        self.is_over.store(true, Relaxed);
        let seen = self.seen.await??;
        at_most("the latest message", seen.latest_message, self.scale.bar(BAR))?;
        at_most("the longest call", seen.longest_call, self.scale.bar(BAR))?;
        Ok(seen)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [message, call] = [self.latest_message, self.longest_call].map(|one| one.as_millis());
        write!(f, "latest message {message} ms, longest call {call} ms")
    }
}

async fn watch(
    site: Site,
    mut listeners: Listeners,
    is_over: Arc<AtomicBool>,
) -> Result<Seen, Failure> {
    let start = Instant::now();
    let (mut latest_message, mut longest_call, mut number) = (Duration::ZERO, Duration::ZERO, 0);
    while !is_over.load(Relaxed) || number == 0 {
        let next = number + 5;
        listeners.listen(number..next, start);
        publish(&site, number..next, EACH, 10, start).await?;
        let call = Instant::now();
        is_healthy(&site).await?;
        longest_call = longest_call.max(call.elapsed());
        latest_message = latest_message.max(listeners.heard().await?);
        number = next;
        sleep(EACH).await;
    }
    Ok(Seen { latest_message, longest_call })
}
