//! The questions of operators about all nodes together.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use signalr_serverless::{ConnectionId, HubName};
use tokio::time::{Duration, Instant};

use super::{Cluster, asked::Asked, joined::Joined, question::Question};
use crate::{
    broker::{Channel, Down, Kind, Next},
    hub::{
        Hubs, Refused, Stopping,
        look::{self, ConnectionsOf, Detail, HubPart, HubSize, Named, NamesOf, Row},
        work::Cursor,
    },
};

/// How long another node may take to answer.
const ANSWER: Duration = Duration::from_secs(1);
/// How many users and groups a node identifies by hashes in one answer. If it has more, it reports
/// only their number. A user or a group that is on two nodes is then counted twice.
const MOST_HASHES: usize = 100_000;

impl Cluster {
    /// The size of each hub.
    pub(crate) async fn sizes(&self) -> Result<BTreeMap<HubName, HubSize>, Refused> {
        let mut parts = self.hubs().parts().await?;
        if let Self::Joined(joined) = self {
            let others: Vec<Vec<HubPart>> = joined.look(Channel::All, Asked::Sizes).await?;
            parts.extend(others.into_iter().flatten());
        }
        Ok(look::sizes(parts))
    }

    /// The size of each hub, for the connections that this node owns.
    pub(crate) async fn own_sizes(&self) -> Result<BTreeMap<HubName, HubSize>, Stopping> {
        Ok(look::sizes(self.hubs().parts().await?))
    }

    /// The names that `of` asks for, each with the number of all its connections.
    pub(crate) async fn names(&self, of: NamesOf) -> Result<Vec<Named>, Refused> {
        let mut names = self.hubs().names(of.clone()).await?;
        if let Self::Joined(joined) = self {
            let (hub, limit) = (of.hub.clone(), of.limit);
            let others: Vec<Vec<Named>> = joined.look(Channel::Hub(&hub), Asked::Names(of)).await?;
            names = look::merged(names.into_iter().chain(others.into_iter().flatten()), limit);
        }
        Ok(names)
    }

    /// The connections that `of` asks for, node by node and shard by shard, after the place
    /// `after`.
    pub(crate) async fn rows(
        &self,
        of: ConnectionsOf,
        after: Option<Cursor>,
    ) -> Result<Vec<(Cursor, Row)>, Refused> {
        let joined = match self {
            Self::Alone(hubs) => return Ok(hubs.rows(0, of, after).await?),
            Self::Joined(joined) => joined,
        };
        let (hub, limit) = (of.hub.clone(), of.limit);
        let mut rows = joined.own_rows(of.clone(), after).await?;
        let others: Vec<Vec<(Cursor, Row)>> =
            joined.look(Channel::Hub(&hub), Asked::Rows(of, after)).await?;
        rows.extend(others.into_iter().flatten());
        rows.sort_unstable_by_key(|(cursor, _)| *cursor);
        rows.truncate(limit);
        Ok(rows)
    }

    /// The details of a connection; `None` if it is not open in the hub.
    pub(crate) async fn detail(
        &self,
        hub: HubName,
        id: ConnectionId,
    ) -> Result<Option<Detail>, Refused> {
        let own = self.hubs().detail(hub.clone(), id.clone()).await?;
        match self {
            Self::Joined(joined) if own.is_none() => {
                let asked = Asked::Detail(hub.clone(), id.clone());
                let others: Vec<Option<Detail>> =
                    joined.look(Channel::Connection(&hub, &id), asked).await?;
                Ok(others.into_iter().flatten().next())
            }
            _ => Ok(own),
        }
    }

    fn hubs(&self) -> &Hubs {
        match self {
            Self::Alone(hubs) => hubs,
            Self::Joined(joined) => &joined.hubs,
        }
    }
}

impl Joined {
    /// The answers of the other nodes that subscribe the channel.
    async fn look<T: DeserializeOwned>(
        &self,
        channel: Channel<'_>,
        asked: Asked,
    ) -> Result<Vec<T>, Down> {
        let question = Question::Look(asked).to_bytes();
        let mut answers = self.broker.ask(channel, Kind::Ask, question).await?;
        let (end, mut all) = (Instant::now() + ANSWER, Vec::new());
        while let Next::Answer(answer) = answers.next_of_others(end).await? {
            all.push(serde_json::from_slice(&answer).map_err(|_| Down)?);
        }
        Ok(all)
    }

    /// The answer of this node to a look of another node.
    pub(super) async fn looked(&self, asked: Asked) -> Result<Bytes, Refused> {
        Ok(match asked {
            Asked::Sizes => json(&look::bounded(self.hubs.parts().await?, MOST_HASHES)),
            Asked::Names(of) => json(&self.hubs.names(of).await?),
            Asked::Rows(of, after) => json(&self.own_rows(of, after).await?),
            Asked::Detail(hub, id) => json(&self.hubs.detail(hub, id).await?),
        })
    }

    async fn own_rows(
        &self,
        of: ConnectionsOf,
        after: Option<Cursor>,
    ) -> Result<Vec<(Cursor, Row)>, Stopping> {
        let node = self.broker.node().number();
        let after = match after {
            Some(after) if after.node > node => return Ok(Vec::new()),
            after => after.filter(|after| after.node == node),
        };
        self.hubs.rows(node, of, after).await
    }
}

/// Names and numbers can always be written in JSON.
fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}
