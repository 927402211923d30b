//! The broker between the nodes of a cluster: Redis or Valkey, used as it is.
//!
//! Nodes publish frames to channels, and subscribe to those whose connections they own. Which node
//! has what is written nowhere: a channel without subscribers has nobody. This folder knows frames
//! and channels, and no hub; `cluster` puts commands and questions into frames.

mod about;
mod answers;
mod beat;
mod channels;
mod clock;
mod connect;
mod frame;
mod health;
mod inbox;
mod interest;
mod node;
mod outbox;
mod questions;
mod script;
mod settings;
mod start;
mod status;
mod subscriber;
mod wire;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use redis::Value;
use signalr_serverless::ConnectionId;

pub(crate) use self::{
    about::About,
    answers::{Answers, Next},
    channels::{Channel, Channels},
    frame::{Frame, Kind},
    health::Down,
    interest::Interest,
    node::NodeId,
    script::Script,
    start::{Incoming, Running},
    wire::{Malformed, Reader, Writer},
};
use self::{
    clock::BrokerClock,
    health::Health,
    interest::Interests,
    outbox::{Outbox, Slot},
    questions::Questions,
};
pub use self::{
    connect::BrokerError,
    settings::{BrokerSettings, BrokerSettingsError},
    status::NodeStatus,
};

/// This node's side of the broker. Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Broker(Arc<Inner>);

struct Inner {
    node: NodeId,
    channels: Channels,
    outbox: Outbox,
    interests: Interests,
    questions: Questions,
    health: Health,
    clock: BrokerClock,
}

impl Broker {
    pub(crate) fn node(&self) -> NodeId {
        self.0.node
    }

    pub(crate) fn channels(&self) -> &Channels {
        &self.0.channels
    }

    /// Whether frames reach the broker and come from it.
    pub(crate) fn is_up(&self) -> bool {
        self.0.health.is_up()
    }

    /// The name of a channel.
    pub(crate) fn name(&self, channel: Channel<'_>) -> Arc<[u8]> {
        self.0.channels.name(channel)
    }

    /// Milliseconds since 1970, by the broker's clock.
    pub(crate) fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// Holds a subscription of a channel, for as long as the answer lives.
    pub(crate) fn hold(&self, channel: Channel<'_>) -> Interest {
        self.0.interests.hold(self.0.channels.name(channel))
    }

    /// Whether this node holds a subscription of a channel.
    pub(crate) fn holds(&self, channel: Channel<'_>) -> bool {
        self.0.interests.holds(&self.0.channels.name(channel))
    }

    /// Waits until the broker has confirmed a subscription, if this node holds it.
    pub(crate) async fn confirmed(&self, channel: Channel<'_>) -> Result<(), Down> {
        self.0.interests.confirmed(&self.0.channels.name(channel)).await
    }

    /// A place among the frames to publish. It never waits.
    pub(crate) fn reserve(&self) -> Result<Slot, Down> {
        self.0.outbox.reserve()
    }

    /// A frame of this node, made now.
    pub(crate) fn frame(&self, kind: Kind, body: Bytes) -> Frame {
        Frame { kind, is_for_all: false, origin: self.0.node, sent: self.now(), question: 0, body }
    }

    /// Publishes a frame. It is not known whether anybody gets it.
    pub(crate) fn publish(&self, channel: Channel<'_>, frame: &Frame) -> Result<(), Down> {
        self.reserve()?.publish(&self.0.channels.name(channel), frame);
        Ok(())
    }

    /// Publishes a question. Everybody who gets it answers, this node with nothing.
    pub(crate) async fn ask(
        &self,
        channel: Channel<'_>,
        kind: Kind,
        body: Bytes,
    ) -> Result<Answers, Down> {
        self.ask_with(channel, self.frame(kind, body)).await
    }

    /// Publishes a question that this node answers as the others do, if it subscribes the channel.
    pub(crate) async fn ask_all(
        &self,
        channel: Channel<'_>,
        kind: Kind,
        body: Bytes,
    ) -> Result<Answers, Down> {
        self.ask_with(channel, Frame { is_for_all: true, ..self.frame(kind, body) }).await
    }

    async fn ask_with(&self, channel: Channel<'_>, frame: Frame) -> Result<Answers, Down> {
        let name = self.0.channels.name(channel);
        let slot = self.reserve()?;
        let open = self.0.questions.open();
        let frame = Frame { question: open.number(), ..frame };
        let receivers = slot.request(&name, &frame).await?;
        Ok(Answers::new(self.clone(), name, receivers, open))
    }

    /// Lets a script publish a command that this node carries out as the others do. `arguments` makes
    /// the script's from the channel and the frame. The script returns how many nodes got it, and a
    /// list.
    pub(crate) async fn ask_by_script(
        &self,
        script: Script,
        keys: &[Vec<u8>],
        channel: Channel<'_>,
        body: Bytes,
        arguments: impl FnOnce(&[u8], &[u8]) -> Vec<Vec<u8>>,
    ) -> Result<(Answers, Vec<Value>), Down> {
        let name = self.0.channels.name(channel);
        let slot = self.reserve()?;
        let open = self.0.questions.open();
        let frame =
            Frame { question: open.number(), is_for_all: true, ..self.frame(Kind::Command, body) };
        let arguments = arguments(&name, &frame.encode());
        let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        let Value::Array(answer) = slot.run(script, keys, &arguments).await? else {
            return Err(Down);
        };
        let Ok([Value::Int(receivers), Value::Array(list)]) = <[Value; 2]>::try_from(answer) else {
            return Err(Down);
        };
        let receivers = usize::try_from(receivers).unwrap_or(0);
        Ok((Answers::new(self.clone(), name, receivers, open), list))
    }

    /// Answers the question that came in a frame.
    pub(crate) fn answer(&self, question: &Frame, body: Bytes) {
        let frame = Frame { question: question.question, ..self.frame(Kind::Answer, body) };
        // The caller finds out by itself that there is no answer.
        let _ = self.publish(Channel::Node(question.origin), &frame);
    }

    /// Runs a script in the order of the frames. Returns what it returned.
    pub(crate) async fn run(
        &self,
        script: Script,
        keys: &[Vec<u8>],
        arguments: &[&[u8]],
    ) -> Result<Value, Down> {
        self.reserve()?.run(script, keys, arguments).await
    }

    /// Sends a command in the order of the frames. Returns the broker's answer.
    pub(crate) async fn command(&self, command: redis::Cmd) -> Result<Value, Down> {
        self.reserve()?.command(command).await
    }

    /// Takes the right to a new connection, which nobody gets twice within `left`. Returns whether it
    /// was still there.
    pub(crate) async fn take_claim(
        &self,
        connection: &ConnectionId,
        left: Duration,
    ) -> Result<bool, Down> {
        let mut set = redis::cmd("SET");
        let left = left.as_millis().max(1).to_string();
        set.arg(self.0.channels.claim_key(connection)).arg("").arg("NX").arg("PX").arg(left);
        Ok(self.command(set).await? != Value::Nil)
    }

    /// How many nodes subscribe a channel.
    async fn subscribers(&self, name: &[u8]) -> Result<usize, Down> {
        let mut command = redis::cmd("PUBSUB");
        command.arg("NUMSUB").arg(name);
        match self.command(command).await? {
            Value::Array(values) => match values.get(1) {
                Some(Value::Int(count)) => Ok(usize::try_from(*count).unwrap_or(0)),
                _ => Err(Down),
            },
            Value::Map(pairs) => match pairs.first() {
                Some((_, Value::Int(count))) => Ok(usize::try_from(*count).unwrap_or(0)),
                _ => Err(Down),
            },
            _ => Err(Down),
        }
    }

    /// Whether a channel without subscribers has nobody for sure. After the broker was away, the other
    /// nodes need a moment to subscribe again.
    pub(crate) fn is_settled(&self) -> bool {
        self.0.health.is_settled()
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("node", &self.0.node).finish_non_exhaustive()
    }
}
