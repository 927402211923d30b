//! What a shard's connections tell the upstream.

use super::{state::Shard, table::Key};
use crate::{
    session::{Call, Ended, Seconds},
    upstream::{Invocation, NotTaken},
};

/// The reason for a client that calls faster than its upstream answers.
const TOO_MANY_CALLS: &str = "the client calls faster than its upstream answers";
/// The reason if all clients together call faster than their upstreams answer.
const UPSTREAM_BUSY: &str =
    "too many calls of all clients wait for their upstreams; try again later";

impl Shard {
    /// Tells the upstream that a connection is open, if it wants to know. Settings may change,
    /// so one that did not may want to later.
    pub(super) fn open_upstream(&mut self, key: Key) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let hub = &connection.identity.hub;
        if let Some(upstream) = self.shared.upstream.as_ref().filter(|one| one.serves(hub))
            && let Some(caller) = connection.caller.take()
        {
            connection.upstream = Some(upstream.open(*caller));
        }
    }

    /// Hands a client's call to the upstream, or refuses it if nobody is there to answer.
    pub(super) fn call(&mut self, key: Key, call: Call, now: Seconds) {
        self.open_upstream(key);
        let Some(connection) = self.table.get_mut(key) else { return };
        // An upstream answers with one completion, which is no stream.
        let upstream = connection.upstream.as_ref().filter(|_| !call.is_stream);
        let invocation = || Invocation {
            invocation_id: call.invocation_id.clone(),
            target: call.target.clone(),
            protocol: call.protocol,
            body: call.message.clone(),
        };
        let taken = upstream.map_or(Err(NotTaken::NoTemplate), |one| one.invoke(invocation()));
        let effects = match taken {
            Ok(()) => return,
            Err(NotTaken::NoTemplate) => connection.session.refuse(&call, now, &self.shared.rules),
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
