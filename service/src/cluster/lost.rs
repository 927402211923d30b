//! Connections that do not arrive at the node that takes them. Exactly one node reports the end of a
//! connection to the upstream: the node that has it, or had it last.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::{begun::sum, joined::Joined, question::Question};
use crate::{
    broker::{Channel, Down, Kind},
    hub::{
        Stopping,
        command::Target,
        work::{Arriving, Step},
    },
    identity::Identity,
    upstream::ConnectionEvents,
};

/// How long this node asks whether the owner still has the connection.
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon it asks again.
const AGAIN: Duration = Duration::from_millis(250);
/// The reason in the report.
const LOST: &str = "the connection was lost while it moved to another node";

/// What the node does that had the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// It keeps the connection, and reports its end later.
    Keeps,
    /// It gave the connection away, and reports nothing.
    LetGo,
    /// Its answer did not come.
    Unknown,
}

/// Ends a connection that does not arrive here. `arriving` is the connection if it has not begun to
/// receive messages here.
pub(super) async fn end(
    joined: &Joined,
    identity: &Arc<Identity>,
    arriving: Option<Arriving>,
    owner: Owner,
) -> Result<(), Stopping> {
    let Identity { id, hub, .. } = &**identity;
    if let Some(arriving) = arriving {
        joined.hubs.begin_arrival(arriving).await?;
    }
    let (events, lost) = oneshot::channel();
    joined.hubs.move_connection(hub.clone(), id.clone(), Step::Lost(events)).await?;
    // If the connection ended here by itself, its end was reported.
    let Ok(Some(events)) = lost.await else { return Ok(()) };
    match owner {
        Owner::Keeps => {}
        Owner::LetGo => events.close(Some(LOST)),
        Owner::Unknown => {
            drop(tokio::spawn(find_out(joined.clone(), Arc::clone(identity), events)));
        }
    }
    Ok(())
}

/// Reports the end if no other node has the connection any more.
async fn find_out(joined: Joined, identity: Arc<Identity>, events: ConnectionEvents) {
    let end = Instant::now() + PATIENCE;
    loop {
        match is_elsewhere(&joined, &identity).await {
            Ok(true) => return,
            Ok(false) => return events.close(Some(LOST)),
            Err(Down) if Instant::now() < end => sleep(AGAIN).await,
            Err(Down) => {
                let connection = &identity.id;
                tracing::warn!(
                    %connection,
                    "a connection was lost while it moved, and its end may not be reported"
                );
                return;
            }
        }
    }
}

async fn is_elsewhere(joined: &Joined, identity: &Identity) -> Result<bool, Down> {
    let Identity { id, hub, .. } = identity;
    let target = Target::Connection(id.clone());
    let question = Question::Count { hub: hub.clone(), target };
    let channel = Channel::Connection(hub, id);
    let mut answers = joined.broker.ask(channel, Kind::Ask, question.to_bytes()).await?;
    Ok(sum(&joined.broker, &mut answers, 1).await? > 0)
}
