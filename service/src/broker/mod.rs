//! The broker between the nodes of a cluster: a standard Redis or Valkey.
//!
//! Nodes publish frames to channels, and subscribe to the channels of the connections that they
//! own. No list says which node has which connections: if a channel has no subscribers, no node has
//! them. This folder knows frames and channels, and no hubs; `cluster` puts commands and questions
//! into frames.

mod about;
mod answers;
mod beat;
mod channels;
mod clock;
mod connect;
mod connection_mark;
mod counts;
mod frame;
mod health;
mod inbox;
mod interest;
mod missed;
mod node;
mod outbox;
mod peers;
mod questions;
mod script;
mod settings;
mod start;
mod status;
mod subscriber;
mod there;
mod wire;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use redis::Value;
use signalr_serverless::ConnectionId;

pub(crate) use self::{
    about::About,
    answers::{Answers, Asking, Next},
    channels::{Channel, Channels, Name},
    counts::BrokerReport,
    frame::{Frame, Kind},
    health::Down,
    inbox::Incoming,
    interest::{Expected, Interest},
    node::NodeId,
    script::Script,
    start::Running,
    wire::{Malformed, Reader, Writer},
};
use self::{
    clock::BrokerClock,
    counts::Counts,
    health::Health,
    inbox::Inbox,
    interest::Interests,
    outbox::{Outbox, Slot},
    questions::Questions,
    there::There,
};
pub use self::{
    connect::BrokerError,
    settings::{BrokerSettings, BrokerSettingsError},
    status::NodeStatus,
};

/// This node's side of the broker. All clones share the same state.
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
    counts: Counts,
    inbox: Inbox,
}

impl Broker {
    /// The state of this node's connection to the broker.
    pub(crate) fn report(&self) -> BrokerReport {
        let Inner { outbox, inbox, counts, .. } = &*self.0;
        counts.report(self.is_up(), inbox.left_out(), outbox.waiting(), inbox.waiting())
    }

    pub(crate) fn node(&self) -> NodeId {
        self.0.node
    }

    pub(crate) fn channels(&self) -> &Channels {
        &self.0.channels
    }

    /// Whether frames can be sent to the broker and received from it.
    pub(crate) fn is_up(&self) -> bool {
        self.0.health.is_up()
    }

    /// The name of a channel.
    pub(crate) fn name(&self, channel: Channel<'_>) -> Name {
        self.0.channels.name(channel)
    }

    /// Milliseconds since 1970, by the broker's clock.
    pub(crate) fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// Holds a subscription of a channel until the returned value is dropped.
    pub(crate) fn hold(&self, channel: Channel<'_>) -> Interest {
        self.0.interests.hold(self.0.channels.name(channel))
    }

    /// Holds subscriptions of several channels. The broker gets them together.
    pub(crate) fn hold_all(&self, channels: &[Channel<'_>]) -> Vec<Interest> {
        let names = channels.iter().map(|channel| self.0.channels.name(*channel)).collect();
        self.0.interests.hold_all(names)
    }

    /// Whether anything on this node holds a channel with this name.
    pub(crate) fn has_holder(&self, name: &Name) -> bool {
        self.0.interests.has_holder(name)
    }

    /// Whether this node holds a subscription of a channel.
    pub(crate) fn holds(&self, channel: Channel<'_>) -> bool {
        self.0.interests.holds(&self.0.channels.name(channel))
    }

    /// Makes a held channel count as not held, until the returned value is dropped.
    pub(crate) fn expect(&self, channel: Channel<'_>) -> Expected {
        self.0.interests.expect(self.0.channels.name(channel))
    }

    /// Whether a channel is held for something that has not arrived yet.
    pub(crate) fn expects(&self, channel: Channel<'_>) -> bool {
        self.0.interests.expects(&self.0.channels.name(channel))
    }

    /// Waits until the broker has confirmed a subscription, if this node holds it.
    pub(crate) async fn confirmed(&self, channel: Channel<'_>) -> Result<(), Down> {
        self.0.interests.confirmed(&self.0.channels.name(channel)).await
    }

    /// A place among the frames to publish. It never waits.
    pub(crate) fn reserve(&self) -> Result<Slot, Down> {
        self.0.outbox.reserve()
    }

    /// A frame of this node with the current time.
    pub(crate) fn frame(&self, kind: Kind, body: Bytes) -> Frame {
        Frame { kind, is_for_all: false, origin: self.0.node, sent: self.now(), question: 0, body }
    }

    /// Publishes a frame. The caller does not learn whether any node receives it.
    pub(crate) fn publish(&self, channel: Channel<'_>, frame: &Frame) -> Result<(), Down> {
        self.reserve()?.publish(&self.0.channels.name(channel), frame);
        Ok(())
    }

    /// Publishes a question. All nodes that receive it answer. This node answers with an empty
    /// body.
    pub(crate) async fn ask(
        &self,
        channel: Channel<'_>,
        kind: Kind,
        body: Bytes,
    ) -> Result<Answers, Down> {
        self.ask_with(channel, self.frame(kind, body)).await
    }

    /// Puts a question into the order of the frames, as [`ask`](Self::ask) does. It never waits:
    /// the caller can wait later until the question is published.
    pub(crate) fn begin_to_ask(
        &self,
        channel: Channel<'_>,
        kind: Kind,
        body: Bytes,
    ) -> Result<Asking, Down> {
        let name = self.0.channels.name(channel);
        let slot = self.reserve()?;
        let open = self.0.questions.open();
        self.0.counts.asked();
        let frame = Frame { question: open.number(), ..self.frame(kind, body) };
        let receivers = slot.begin_request(&name, &frame);
        Ok(Asking::new(self.clone(), name, receivers, open))
    }

    /// Publishes a question that this node answers in the same way as the others, if it subscribes
    /// the channel.
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
        self.0.counts.asked();
        let frame = Frame { question: open.number(), ..frame };
        let receivers = slot.request(&name, &frame).await?;
        Ok(Answers::new(self.clone(), name, receivers, open))
    }

    /// Runs a script that publishes a command, which this node carries out in the same way as the
    /// others. `arguments` makes the script's arguments from the channel and the frame. The script
    /// returns how many nodes received the command, and a list.
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
        self.0.counts.asked();
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

    /// Answers the question of a frame.
    pub(crate) fn answer(&self, question: &Frame, body: Bytes) {
        let frame = Frame { question: question.question, ..self.frame(Kind::Answer, body) };
        // The caller finds out without our help that there is no answer.
        let _ = self.publish(Channel::Node(question.origin), &frame);
    }

    /// Runs a script in the order of the frames. Returns the result of the script.
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

    /// Takes the right to a new connection. Only one caller gets it within `left`. Returns whether
    /// the right was still free.
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

    /// Counts a question that was not answered in time.
    fn unanswered(&self) {
        self.0.counts.unanswered();
    }

    /// Which nodes are there to answer a question at a channel, if these have `answered`. A node that
    /// runs subscribes its own channel.
    async fn there(&self, name: &[u8], answered: &[NodeId]) -> Result<There, Down> {
        let mut command = redis::cmd("PUBSUB");
        command.arg("NUMSUB").arg(name);
        for node in answered {
            command.arg(&*self.0.channels.name(Channel::Node(*node)));
        }
        // Names and numbers in turn: a map in RESP3, a list in RESP2.
        let counts: Vec<Value> = match self.command(command).await? {
            Value::Array(values) => values.into_iter().skip(1).step_by(2).collect(),
            Value::Map(pairs) => pairs.into_iter().map(|(_, count)| count).collect(),
            _ => return Err(Down),
        };
        let mut counts = counts.into_iter().map(|count| match count {
            Value::Int(count) => usize::try_from(count).unwrap_or(0),
            _ => 0,
        });
        let subscribers = counts.next().ok_or(Down)?;
        Ok(There { subscribers, answered: counts.filter(|count| *count > 0).count() })
    }

    /// Reports that this node has its subscriptions, and asks the other nodes to do the same.
    /// Returns when the broker has accepted this.
    async fn hello(&self) -> Result<(), Down> {
        let frame = Frame { question: 1, ..self.frame(Kind::Hello, Bytes::new()) };
        self.reserve()?.request(&self.0.channels.name(Channel::All), &frame).await.map(drop)
    }

    /// Reports to a node that asks for it that this node has its subscriptions.
    fn answer_hello(&self, node: NodeId) {
        // Without the answer the other node waits until its time limit.
        let _ = self.publish(Channel::Node(node), &self.frame(Kind::Hello, Bytes::new()));
    }

    /// Whether it is sure that a channel without subscribers has no owner. After the broker was
    /// away, the other nodes need some time to subscribe again.
    pub(crate) fn is_settled(&self) -> bool {
        self.0.health.is_settled()
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("node", &self.0.node).finish_non_exhaustive()
    }
}
