//! Upstream: clients' actions become HTTP requests to the user's own functions, and the answers
//! become completions.
//!
//! [`Settings`] say where events go. Each connection has its own event queue (`ConnectionEvents`):
//! its events arrive one after the other, each after the answer to the one before. Event queues are
//! independent of shards. They run on the runtime on which the service was started, and send
//! completions to a channel. Requests to one upstream take no place from another (`Places`).

mod call;
mod caller;
mod completion;
mod deliveries;
mod event;
mod events;
mod limits;
mod places;
mod replies;
mod settings;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use signalr_serverless::HubName;
use tokio::{runtime::Handle, sync::watch};

pub use self::settings::{FILE_NAME, Settings, SettingsError};
use self::{call::Calls, deliveries::Deliveries, places::Places};
pub(crate) use self::{
    caller::{Caller, forwarded_query},
    event::Reply,
    events::{ConnectionEvents, Invocation, NotTaken},
    limits::Limits,
    replies::Replies,
};
use crate::{auth::KeyRing, records::Records};

/// How much waits for upstreams or is under way to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// Takes the events of all connections. Clones share one state.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<Deliveries>);

impl Upstream {
    /// Takes the settings and the service's keys; each key signs. Completions go to `replies`. Call
    /// this on the runtime on which the requests should run.
    pub(crate) fn new(
        settings: watch::Receiver<Settings>,
        keys: KeyRing,
        limits: Limits,
        http: reqwest::Client,
        replies: Replies,
        records: Records,
    ) -> Self {
        let places = Arc::new(Places::new(limits.requests, limits.waiting_bytes_in_all));
        Self(Arc::new(Deliveries {
            settings,
            calls: Calls {
                http,
                keys,
                limits,
                places,
                timings: records.timings,
                trace: records.trace,
            },
            replies,
            counters: records.counters,
            runtime: Handle::current(),
            busy: watch::Sender::new(0),
        }))
    }

    /// Whether any template can match an event of the hub.
    pub(crate) fn serves(&self, hub: &HubName) -> bool {
        self.0.settings.borrow().serves(hub)
    }

    /// Begins the event queue of a connection with its event `connected`.
    pub(crate) fn open(&self, caller: Caller) -> ConnectionEvents {
        ConnectionEvents::open(Arc::clone(&self.0), caller)
    }

    /// Begins the event queue of a connection that another node has already reported.
    pub(crate) fn go_on(&self, caller: Caller) -> ConnectionEvents {
        ConnectionEvents::go_on(Arc::clone(&self.0), caller)
    }

    /// How much waits for upstreams or is under way to them.
    pub(crate) fn waiting(&self) -> Waiting {
        let places = &self.0.calls.places;
        Waiting { events: places.events(), bytes: places.bytes() }
    }

    /// How many bytes may wait.
    pub(crate) fn max_bytes(&self) -> usize {
        self.0.calls.places.max_bytes()
    }

    /// How long a call may take.
    pub(crate) fn time_limit(&self) -> Duration {
        self.0.calls.limits.time
    }

    /// Waits until every accepted event is delivered or has failed.
    pub(crate) async fn idle(&self) {
        // The sender is in `self`, so the channel is open.
        let _ = self.0.busy.subscribe().wait_for(|busy| *busy == 0).await;
    }
}
