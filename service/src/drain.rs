//! How a service ends: in steps, so that nobody is cut off who can be told before.
//!
//! | step | `/ready` | new connections | REST |
//! |---|---|---|---|
//! | the service serves | 200 | taken | taken |
//! | the end was asked for: [`Drain::delay`] | 503 | taken, since balancers need time to see it | taken |
//! | clients are told to come back, over [`Drain::spread`] | 503 | 503 with `Retry-After` | taken |
//! | what is under way is finished, within [`Drain::deadline`] | no more, as the ports close | 503 | 503 |

use std::{
    sync::atomic::{AtomicU8, Ordering::Relaxed},
    time::Duration,
};

use tokio::{sync::oneshot, time::sleep};

use crate::{hub::Stopping, state::State};

/// How long the steps of the end may take.
///
/// ```
/// use std::time::Duration;
/// use signalr_service::{Config, Drain};
///
/// let drain = Drain { delay: Duration::from_secs(10), ..Drain::default() };
/// let config = Config { drain, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "built with `..Drain::default()`")]
pub struct Drain {
    /// From the first 503 of `/ready` to the first client that is told to come back. A load
    /// balancer needs time to see the 503. Default: none.
    pub delay: Duration,
    /// The time over which clients are told to come back, so that they do not all come at once. Few
    /// clients take less: each shard closes at least 50 a second. Default: 5 s.
    pub spread: Duration,
    /// From the last client that was told to the end of everything: of transports, of requests
    /// under way and of events for the upstream. What is still there then is cut off. Default: 10 s.
    pub deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            spread: Duration::from_secs(5),
            deadline: Duration::from_secs(10),
        }
    }
}

/// How far the service is.
#[derive(Debug, Default)]
pub(crate) struct Stage(AtomicU8);

const SERVING: u8 = 0;
/// The end was asked for.
const LEAVING: u8 = 1;
/// Clients are told to come back.
const CLOSING: u8 = 2;

// Nothing else depends on the order in which the steps are seen.
impl Stage {
    /// Whether balancers may send more clients here.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.load(Relaxed) == SERVING
    }

    /// Whether a new connection is taken.
    pub(crate) fn admits(&self) -> bool {
        self.0.load(Relaxed) < CLOSING
    }

    fn advance(&self, stage: u8) {
        self.0.store(stage, Relaxed);
    }
}

impl State {
    /// Refuses a new connection of a client once clients are told to come back.
    pub(crate) fn admit(&self) -> Result<(), Stopping> {
        if self.stage.admits() {
            return Ok(());
        }
        self.counters.refused_at_end();
        Err(Stopping)
    }

    /// Goes through the steps of the end. `told` is told when every client was.
    pub(crate) async fn drain(&self, drain: Drain, told: oneshot::Sender<()>) {
        self.stage.advance(LEAVING);
        tracing::info!("the service is shutting down");
        if !drain.delay.is_zero() {
            sleep(drain.delay).await;
        }
        self.stage.advance(CLOSING);
        self.hubs.close_over(drain.spread).await;
        // Whoever waited for it has been dropped with everything else.
        let _ = told.send(());
        // Clients end their long polls by requests, so these are still answered.
        self.hubs.stop().await;
    }
}
