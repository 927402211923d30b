//! How a node joins its cluster and leaves it.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{
    Broker, Inner,
    about::About,
    beat::{self, Beats},
    channels::{Channel, Channels},
    clock::BrokerClock,
    connect::{self, BrokerError},
    counts::Counts,
    health::Health,
    inbox::{Inbox, Incoming, Waiting},
    interest::Interests,
    node::NodeId,
    outbox,
    questions::Questions,
    settings::BrokerSettings,
    subscriber,
};

/// Keeps a node connected to the broker until it is dropped.
pub(crate) struct Running {
    waiting: Waiting,
    _tasks: JoinSet<()>,
}

impl Running {
    /// Waits for the next frames, and takes at most so many; `None` if no more can come.
    pub(crate) async fn next(&mut self, most: usize) -> Option<Incoming> {
        self.waiting.next(most).await
    }
}

impl Broker {
    /// Connects to the broker and joins its cluster. `about` is the data for the other nodes.
    pub(crate) async fn start(
        settings: &BrokerSettings,
        about: About,
    ) -> Result<(Self, Running), BrokerError> {
        let node = NodeId::random()?;
        let channels = Channels::new(settings.prefix());
        let counts = Counts::default();
        let health = Health::new(counts.clone());
        let clock = BrokerClock::default();
        let questions = Questions::default();
        let interests = Interests::new();
        let (inbox, waiting) =
            Inbox::new(node, questions.clone(), health.clone(), clock.clone(), counts.clone());
        let own = [Channel::All, Channel::Node(node)].map(|one| interests.hold(channels.name(one)));
        let publishing = connect::publisher(settings).await?;
        let subscribing = connect::subscriber(settings, &inbox).await?;
        let (outbox, publish) =
            outbox::new(health.clone(), counts.clone(), settings.clone(), publishing);
        let mut tasks = JoinSet::new();
        tasks.spawn(publish);
        tasks.spawn(subscriber::run(
            settings.clone(),
            subscribing,
            inbox.clone(),
            interests.clone(),
            health.clone(),
        ));
        let broker = Self(Arc::new(Inner {
            node,
            channels,
            outbox,
            interests,
            questions,
            health,
            clock,
            counts,
            inbox: inbox.clone(),
        }));
        for interest in &own {
            interest.confirmed().await?;
        }
        let mut beats = Beats::new(broker.clone(), about, inbox, own);
        beats.first().await?;
        tasks.spawn(beats.run());
        Ok((broker, Running { waiting, _tasks: tasks }))
    }

    /// Leaves the cluster, so that other nodes wait for no answers of this node.
    pub(crate) async fn leave(&self) {
        let _ = timeout(Duration::from_secs(1), beat::leave(self)).await;
    }
}
