//! Commands and questions that were sent in order to this node and to others. The caller waits for
//! their answers later.

use std::time::Duration;

use signalr_serverless::{GroupName, HubName};
use tokio::{sync::oneshot, time::Instant};

use super::question;
use crate::{
    broker::{Answers, Asking, Broker, Channel, Down, Malformed, Next},
    hub::{self, Refused, answer::Answered},
};

/// How long another node may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(1);

/// A command that was taken, or a question about how many connections a target names.
pub(crate) struct Begun {
    here: Option<hub::Begun>,
    elsewhere: Option<Elsewhere>,
}

/// The part of the other nodes.
pub(super) struct Elsewhere {
    pub(super) broker: Broker,
    pub(super) hub: HubName,
    /// The groups that connections of this node join.
    pub(super) groups: Vec<GroupName>,
    pub(super) asked: Option<Asking>,
}

/// A call of a client's method.
pub(crate) enum BegunCall {
    Here(oneshot::Receiver<Answered>),
    Elsewhere { broker: Broker, asked: Asking, limit: Duration },
}

impl Begun {
    pub(super) fn here(begun: hub::Begun) -> Self {
        Self { here: Some(begun), elsewhere: None }
    }

    pub(super) fn anywhere(here: Option<hub::Begun>, elsewhere: Elsewhere) -> Self {
        Self { here, elsewhere: Some(elsewhere) }
    }

    /// Whether only this node carries it out, which needs no broker.
    pub(super) fn is_here_only(&self) -> bool {
        self.elsewhere.as_ref().is_none_or(|elsewhere| elsewhere.asked.is_none())
    }

    /// Waits until the command is carried out on all nodes. Returns how many connections matched.
    pub(crate) async fn matched(self) -> Result<usize, Refused> {
        self.matched_up_to(usize::MAX).await
    }

    /// Waits until it is known whether any connection matches.
    pub(super) async fn matches_any(self) -> Result<bool, Refused> {
        Ok(self.matched_up_to(1).await? > 0)
    }

    /// Waits for all nodes, or until `enough` connections matched.
    async fn matched_up_to(self, enough: usize) -> Result<usize, Refused> {
        let mut matched: usize = 0;
        if let Some(here) = self.here {
            matched = matched.saturating_add(here.matched().await?);
        }
        let Some(Elsewhere { broker, hub, groups, asked }) = self.elsewhere else {
            return Ok(matched);
        };
        for group in groups {
            broker.confirmed(Channel::Group(&hub, &group)).await?;
        }
        if let Some(asked) = asked.filter(|_| matched < enough) {
            let mut answers = asked.published().await?;
            matched = matched.saturating_add(sum(&broker, &mut answers, enough).await?);
        }
        Ok(matched)
    }
}

impl BegunCall {
    /// Waits for the client's answer; `None` if the connection is not open, or ends before the
    /// client answers.
    pub(crate) async fn answered(self) -> Result<Option<Answered>, Refused> {
        match self {
            Self::Here(answer) => Ok(answer.await.ok()),
            Self::Elsewhere { broker, asked, limit } => {
                let mut answers = asked.published().await?;
                Ok(answer_of_client(&broker, &mut answers, Instant::now() + limit).await?)
            }
        }
    }
}

/// The answer of a client that another node has; `None` if no node has it, or it ends before it
/// answers. A node that had the client before may still get questions about it, and answers `None`.
pub(super) async fn answer_of_client(
    broker: &Broker,
    answers: &mut Answers,
    end: Instant,
) -> Result<Option<Answered>, Down> {
    loop {
        match answers.next_of_others(end).await? {
            Next::Answer(answer) => match question::read_answered(answer) {
                Ok(None) => {}
                Ok(answered) => return Ok(answered),
                Err(Malformed) => return Err(Down),
            },
            Next::All => {
                is_sure(broker)?;
                return Ok(None);
            }
        }
    }
}

/// The sum of the numbers that other nodes answer. Stops when it reaches `enough`.
pub(super) async fn sum(
    broker: &Broker,
    answers: &mut Answers,
    enough: usize,
) -> Result<usize, Down> {
    let end = Instant::now() + ANSWER;
    let mut sum: usize = 0;
    while sum < enough {
        match answers.next(end).await? {
            Next::Answer(answer) => {
                sum = sum.saturating_add(question::read_count(answer).map_err(|_| Down)?);
            }
            Next::All => break,
        }
    }
    if sum == 0 {
        is_sure(broker)?;
    }
    Ok(sum)
}

/// Whether the nodes that did not answer certainly have no connection. Soon after the broker was
/// away, a node may be running that does not receive questions yet.
pub(super) fn is_sure(broker: &Broker) -> Result<(), Down> {
    if broker.is_settled() { Ok(()) } else { Err(Down) }
}
