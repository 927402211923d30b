//! The reports of a shard's connections to the upstream.

use super::{state::Shard, table::Key};
use crate::{
    session::{Call, Ended, NotCalled, Seconds},
    trace::{Event, Kind},
    upstream::{Invocation, NotTaken},
};

/// The reason for a client that calls faster than its upstream answers.
const TOO_MANY_CALLS: &str = "the client calls faster than its upstream answers";
/// The reason if all clients together call faster than their upstreams answer.
const UPSTREAM_BUSY: &str =
    "too many calls of all clients wait for their upstreams; try again later";

impl Shard {
    /// Reports to the upstream that a connection is open, if the upstream serves the hub. Settings
    /// may change, so an upstream that did not serve it may do so later.
    pub(super) fn open_upstream(&mut self, key: Key) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let hub = &connection.identity.hub;
        if let Some(upstream) = self.shared.upstream.as_ref().filter(|one| one.serves(hub))
            && let Some(caller) = connection.caller.take()
        {
            connection.upstream = Some(upstream.open(*caller));
        }
    }

    /// Passes a client's call to the upstream, or refuses it if nothing can answer it.
    pub(super) fn call(&mut self, key: Key, call: Call, now: Seconds) {
        self.open_upstream(key);
        let Some(connection) = self.table.get_mut(key) else { return };
        self.shared.records.trace.note(|| Event {
            what: Some(&call.target),
            bytes: Some(call.message.len()),
            ..Event::of(Kind::Call, &connection.identity)
        });
        // An upstream answers with one completion, and a stream needs more.
        let upstream = match &connection.upstream {
            None => Err(NotCalled::NoUpstream.into()),
            Some(_) if call.is_stream => Err(NotCalled::Stream.into()),
            Some(upstream) => Ok(upstream),
        };
        let invocation = || Invocation {
            invocation_id: call.invocation_id.clone(),
            target: call.target.clone(),
            protocol: call.protocol,
            body: call.message.clone(),
        };
        let taken = upstream.and_then(|one| one.invoke(invocation()));
        let effects = match taken {
            Ok(()) => return,
            Err(NotTaken::Never(why)) => {
                connection.session.refuse(&call, why, now, &self.shared.rules)
            }
            Err(full @ (NotTaken::QueueFull | NotTaken::AllFull)) => {
                let is_own = full == NotTaken::QueueFull;
                let reason = if is_own { TOO_MANY_CALLS } else { UPSTREAM_BUSY };
                connection.session.ends_by(Ended::Calls);
                connection.session.close(Some(reason), true, now)
            }
        };
        self.apply(key, effects, now);
    }
}
