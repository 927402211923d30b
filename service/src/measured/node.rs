//! A node of a cluster without its listeners: what it does for each command, and with the broker.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use serde_json::value::RawValue;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};

use super::{Failed, HUB, shared};
use crate::{
    broker::{About, Broker, BrokerSettings, Channel, Interest},
    cluster::{self, Cluster, Relays},
    config::Config,
    counters::Counters,
    hub::{
        Hubs,
        command::{Action, Target},
        message::{Content, Message},
    },
    shard_of::ShardOf,
    store::{BrokerStore, Membership, Store},
};

/// A node that carries out what other nodes ask for, until the program ends.
pub struct Node {
    cluster: Cluster,
    hubs: Arc<Hubs>,
    broker: Broker,
    hub: HubName,
    held: Mutex<Vec<Interest>>,
}

impl Node {
    /// Joins the cluster of a broker.
    ///
    /// # Errors
    ///
    /// If the broker is away, or the machine has no thread to give.
    pub async fn start(broker: &str) -> Result<Self, Failed> {
        let settings = BrokerSettings::parse(broker)?;
        let about = About::new("bench".to_owned(), Arc::new(Counters::default()));
        let (broker, running) = Broker::start(&settings, about).await?;
        let store = Store::Broker(BrokerStore::new(broker.clone()));
        let shared = shared(store, Some(broker.clone()));
        let shard_of = ShardOf::new(Config::default().shard_count());
        let hubs = Arc::new(Hubs::start(shard_of, &shared)?);
        let cluster = Cluster::new(Arc::clone(&hubs), Some(broker.clone()));
        if let Cluster::Joined(joined) = &cluster {
            // No client of it is relayed.
            let (relays, _) = Relays::new(Bytes::new());
            tokio::spawn(cluster::run(joined.clone(), running, relays));
        }
        let hub = HubName::parse(HUB)?;
        Ok(Self { cluster, hubs, broker, hub, held: Mutex::default() })
    }

    /// Subscribes the channels of these users, as if each had a connection here.
    ///
    /// # Errors
    ///
    /// If the broker is away.
    pub async fn hold(&self, users: Range<usize>) -> Result<(), Failed> {
        let mut held = Vec::with_capacity(users.len());
        for number in users {
            held.push(self.broker.hold(Channel::User(&self.hub, &user(number)?)));
        }
        for interest in &held {
            interest.confirmed().await?;
        }
        self.held.lock().unwrap_or_else(PoisonError::into_inner).append(&mut held);
        Ok(())
    }

    /// Subscribes the channels of a connection and its user, and gives them up.
    ///
    /// # Errors
    ///
    /// If the broker is away.
    pub async fn visit(&self, number: usize) -> Result<(), Failed> {
        let (user, connection) = (user(number)?, ConnectionId::parse(&format!("c{number}"))?);
        let channels =
            [Channel::Connection(&self.hub, &connection), Channel::User(&self.hub, &user)];
        for interest in self.broker.hold_all(&channels) {
            interest.confirmed().await?;
        }
        Ok(())
    }

    /// Sends to a user, who may be on any node. Returns whether the broker takes it.
    ///
    /// # Errors
    ///
    /// If the number makes no user.
    pub async fn send(&self, number: usize, arguments: &RawValue) -> Result<bool, Failed> {
        let target = "newMessage".to_owned();
        let arguments = arguments.to_owned();
        let message = Content::Invocation { target, arguments, invocation_id: None };
        let action = Action::Send {
            recipients: Target::User(user(number)?).into(),
            message: Arc::new(Message::new(message)),
        };
        Ok(self.cluster.submit(self.hub.clone(), action).await.is_ok())
    }

    /// How many frames of other nodes came and have been given to the shards.
    #[must_use]
    pub fn taken(&self) -> u64 {
        let report = self.broker.report();
        report.received.saturating_sub(report.inbox.0 as u64 + report.left_out)
    }

    /// Whether a user has a connection on any node.
    ///
    /// # Errors
    ///
    /// If there is no sure answer.
    pub async fn has(&self, number: usize) -> Result<bool, Failed> {
        let target = Target::User(user(number)?);
        let exists = self.cluster.exists(self.hub.clone(), target).await;
        exists.map_err(|_| "no sure answer".into())
    }

    /// Puts a user into a group for an hour, which the broker keeps.
    ///
    /// # Errors
    ///
    /// If the broker is away.
    pub async fn add(&self, number: usize) -> Result<(), Failed> {
        let group = GroupName::parse("group")?;
        let membership = Membership { hub: self.hub.clone(), user: user(number)?, group };
        let ttl = Some(Duration::from_secs(3600));
        let added = self.hubs.user_groups.add(membership, ttl, SystemTime::now()).await;
        added.map_err(|_| "the broker is away".into())
    }
}

fn user(number: usize) -> Result<UserId, Failed> {
    Ok(UserId::parse(&format!("user-{number}"))?)
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}
