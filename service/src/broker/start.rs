//! The beginning and the end of a node's part in its cluster.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::timeout,
};

use super::{
    Broker, Inner,
    about::About,
    beat::{self, Beats},
    channels::{Channel, Channels},
    clock::BrokerClock,
    connect::{self, BrokerError},
    frame::Frame,
    health::Health,
    inbox::{Inbox, Queued},
    interest::Interests,
    node::NodeId,
    outbox,
    questions::Questions,
    settings::BrokerSettings,
    subscriber,
};

/// What comes from other nodes.
#[derive(Debug)]
pub(crate) enum Incoming {
    Frame(Frame),
    /// The broker was away, and frames may have passed this node by.
    Missed,
}

/// What keeps a node in touch with the broker, until it is dropped.
pub(crate) struct Running {
    /// What came, in its order.
    frames: mpsc::Receiver<Queued>,
    missed: Arc<Notify>,
    _tasks: JoinSet<()>,
}

impl Running {
    /// Waits for what comes next; `None` once nothing comes any more.
    pub(crate) async fn next(&mut self) -> Option<Incoming> {
        tokio::select! {
            // What was missed came before.
            biased;
            () = self.missed.notified() => Some(Incoming::Missed),
            frame = self.frames.recv() => Some(Incoming::Frame(frame?.taken())),
        }
    }
}

impl Broker {
    /// Connects to the broker, and takes part in its cluster. `about` is what others may know.
    pub(crate) async fn start(
        settings: &BrokerSettings,
        about: About,
    ) -> Result<(Self, Running), BrokerError> {
        let node = NodeId::random()?;
        let channels = Channels::new(settings.prefix());
        let health = Health::new();
        let clock = BrokerClock::default();
        let questions = Questions::default();
        let interests = Interests::new();
        let (inbox, frames) = Inbox::new(node, questions.clone(), health.clone(), clock.clone());
        let missed = inbox.missed();
        let own = [Channel::All, Channel::Node(node)].map(|one| interests.hold(channels.name(one)));
        let publishing = connect::publisher(settings).await?;
        let subscribing = connect::subscriber(settings, &inbox).await?;
        let (outbox, publish) = outbox::new(health.clone(), settings.clone(), publishing);
        let mut tasks = JoinSet::new();
        tasks.spawn(publish);
        tasks.spawn(subscriber::run(
            settings.clone(),
            subscribing,
            inbox.clone(),
            interests.clone(),
            health.clone(),
        ));
        let broker =
            Self(Arc::new(Inner { node, channels, outbox, interests, questions, health, clock }));
        for interest in &own {
            interest.confirmed().await?;
        }
        let mut beats = Beats::new(broker.clone(), about, inbox, own);
        beats.first().await?;
        tasks.spawn(beats.run());
        Ok((broker, Running { frames, missed, _tasks: tasks }))
    }

    /// Says goodbye: other nodes wait for no answer of this one.
    pub(crate) async fn leave(&self) {
        let _ = timeout(Duration::from_secs(1), beat::leave(self)).await;
    }
}
