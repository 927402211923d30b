//! The answers of a client that has moved to another node, for the callers at the node that it left.

use std::time::Duration;

use bytes::Bytes;
use signalr_serverless::{ConnectionId, HubName};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{begun::answer_of_client, inbound::Failed, joined::Joined, question};
use crate::{
    broker::{Broker, Channel, Down, Frame, Kind, Malformed, Reader, Writer},
    hub::{answer::Answered, moving::Unanswered, work::Step},
};

/// How long the new node waits for the client. The callers have time limits of their own.
const LIMIT: Duration = Duration::from_secs(300);

/// A call of a client that was made before the client moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Awaited {
    pub(super) hub: HubName,
    pub(super) connection: ConnectionId,
    pub(super) invocation_id: String,
}

impl Awaited {
    fn to_bytes(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.text(self.hub.as_str()).text(self.connection.as_str()).text(&self.invocation_id);
        writer.finish()
    }

    pub(super) fn read(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Self { hub: reader.name()?, connection: reader.name()?, invocation_id: reader.text()? })
    }
}

/// Asks the node that takes a connection for the answers of its client, and passes them on. If an
/// answer does not come, its caller learns why: the connection is gone, or its node cannot be
/// reached.
pub(super) fn pass_on_all(
    broker: &Broker,
    hub: &HubName,
    connection: &ConnectionId,
    unanswered: Unanswered,
) {
    for (invocation_id, caller) in unanswered {
        let call = Awaited { hub: hub.clone(), connection: connection.clone(), invocation_id };
        tokio::spawn(pass_on(broker.clone(), call, caller));
    }
}

async fn pass_on(broker: Broker, call: Awaited, mut caller: oneshot::Sender<Answered>) {
    tokio::select! {
        answered = ask(&broker, &call) => {
            if let Some(answered) = answered.unwrap_or_else(|down| Some(Err(down.into()))) {
                // The caller may have stopped waiting.
                let _ = caller.send(answered);
            }
        }
        () = caller.closed() => {}
    }
}

async fn ask(broker: &Broker, call: &Awaited) -> Result<Option<Answered>, Down> {
    let channel = Channel::Connection(&call.hub, &call.connection);
    let mut answers = broker.ask(channel, Kind::Await, call.to_bytes()).await?;
    answer_of_client(broker, &mut answers, Instant::now() + LIMIT).await
}

impl Joined {
    /// Answers the node that a client has left, when the client answers.
    pub(super) async fn take_awaited(&self, frame: Frame) -> Result<(), Failed> {
        let Awaited { hub, connection, invocation_id } = Awaited::read(frame.body.clone())?;
        let (sender, answer) = oneshot::channel();
        let step = Step::Await { invocation_id, answer: sender };
        self.hubs.move_connection(hub, connection, step).await?;
        let broker = self.broker.clone();
        tokio::spawn(async move {
            // After the limit the other node does not wait any more.
            let Ok(answered) = timeout(LIMIT, answer).await else { return };
            broker.answer(&frame, question::answered(answered.ok().as_ref()));
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_node_asks_another_reads() {
        let asked = Awaited {
            hub: "chat".parse().unwrap(),
            connection: "c1".parse().unwrap(),
            invocation_id: "7".to_owned(),
        };
        let whole = asked.to_bytes();
        for end in 0..whole.len() {
            assert_eq!(Awaited::read(whole.slice(..end)), Err(Malformed), "{end}");
        }
        assert_eq!(Awaited::read(whole), Ok(asked));
    }
}
