//! What a node does with commands and questions if there are other nodes.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use signalr_serverless::{ConnectionId, GroupName, HubName};
use tokio::time::Instant;

use super::question::{self, Call, Question};
use crate::{
    broker::{Answers, Broker, Channel, Down, Interest, Kind, Next},
    hub::{
        Hubs, Refused,
        answer::Answered,
        command::{Action, Command, GroupChange, GroupsOf, Step, Target},
        message::Message,
        work::{Cursor, Member},
    },
    identity::Identity,
    store::Membership,
};

/// How long another node may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// This node and the others. Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Joined {
    pub(super) hubs: Arc<Hubs>,
    pub(super) broker: Broker,
}

/// Where something is done.
enum Place<'a> {
    /// On this node only.
    Here,
    /// On the node that owns a connection, and not here.
    There(Channel<'a>),
    /// Here, and where the channel goes.
    Everywhere(Channel<'a>),
}

impl Joined {
    pub(super) fn new(hubs: Arc<Hubs>, broker: Broker) -> Self {
        Self { hubs, broker }
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Lets other nodes find a connection that begins here, its user and its hub. Returns once they
    /// do.
    pub(crate) async fn announce(&self, identity: &Identity) -> Result<Vec<Interest>, Down> {
        if !self.broker.is_up() {
            return Err(Down);
        }
        let Identity { id, hub, user } = identity;
        let mut channels = vec![Channel::Hub(hub), Channel::Connection(hub, id)];
        channels.extend(user.as_ref().map(|user| Channel::User(hub, user)));
        let interests: Vec<Interest> =
            channels.into_iter().map(|channel| self.broker.hold(channel)).collect();
        for interest in &interests {
            interest.confirmed().await?;
        }
        Ok(interests)
    }

    pub(super) async fn submit(&self, hub: HubName, action: Action) -> Result<(), Refused> {
        if joined_groups(&action).next().is_some() {
            return self.carry_out(hub, action).await.map(drop);
        }
        let channel = match self.place_of_action(&hub, &action) {
            Place::Here => return Ok(self.hubs.submit(hub, action).await?),
            Place::There(channel) => {
                let body = Command::to_bytes(&hub, &action);
                let frame = self.broker.frame(Kind::Command, body);
                return Ok(self.broker.publish(channel, &frame)?);
            }
            Place::Everywhere(channel) => channel,
        };
        // The place is taken first: either all nodes get the command or none.
        let slot = self.broker.reserve()?;
        let name = self.broker.name(channel);
        let body = Command::to_bytes(&hub, &action);
        self.hubs.submit(hub, action).await?;
        slot.publish(&name, &self.broker.frame(Kind::Command, body));
        Ok(())
    }

    pub(super) async fn carry_out(&self, hub: HubName, action: Action) -> Result<usize, Refused> {
        let body = Command::to_bytes(&hub, &action);
        let groups: Vec<GroupName> = joined_groups(&action).cloned().collect();
        let place = self.place_of_action(&hub, &action);
        let asked = match place {
            Place::Here => None,
            Place::There(channel) | Place::Everywhere(channel) => {
                Some(self.broker.ask(channel, Kind::Command, body).await?)
            }
        };
        let mut matched = 0;
        if !matches!(place, Place::There(_)) {
            matched += self.hubs.carry_out(hub.clone(), action).await?;
            for group in groups {
                self.broker.confirmed(Channel::Group(&hub, &group)).await?;
            }
        }
        if let Some(mut answers) = asked {
            matched += self.sum(&mut answers, usize::MAX).await?;
        }
        Ok(matched)
    }

    pub(super) async fn exists(&self, hub: HubName, target: Target) -> Result<bool, Refused> {
        let place = self.place(&hub, &target);
        if !matches!(place, Place::There(_))
            && self.hubs.count(hub.clone(), target.clone()).await? > 0
        {
            return Ok(true);
        }
        let (Place::There(channel) | Place::Everywhere(channel)) = place else { return Ok(false) };
        let question = Question::Count { hub: hub.clone(), target: target.clone() };
        Ok(self.any(channel, &question).await?)
    }

    pub(super) async fn user_is_in_group(
        &self,
        membership: &Membership,
        now: SystemTime,
    ) -> Result<bool, Refused> {
        if self.hubs.user_groups.contains(membership, now).await? {
            return Ok(true);
        }
        let Membership { hub, user, group } = membership;
        let (asked, of, inside) = (hub.clone(), user.clone(), group.clone());
        let question = Question::IsUserInGroup { hub: asked, user: of, group: inside };
        Ok(self.any(Channel::User(hub, user), &question).await?)
    }

    pub(super) async fn members(
        &self,
        hub: &HubName,
        group: &GroupName,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<(Cursor, Member)>, Refused> {
        let question = Question::Members {
            hub: hub.clone(),
            group: group.clone(),
            after,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        };
        let channel = Channel::Group(hub, group);
        let mut answers = self.broker.ask(channel, Kind::Ask, question.to_bytes()).await?;
        let mut members = self.own_members(hub, group, after, limit).await?;
        let end = Instant::now() + ANSWER;
        while let Next::Answer(answer) = answers.next(end).await? {
            members.extend(question::read_members(answer).map_err(|_| Down)?);
        }
        self.is_sure(&answers)?;
        members.sort_unstable_by_key(|(cursor, _)| *cursor);
        members.truncate(limit);
        Ok(members)
    }

    /// The members of a group that this node owns, as far as they come behind `after`.
    pub(super) async fn own_members(
        &self,
        hub: &HubName,
        group: &GroupName,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<(Cursor, Member)>, Refused> {
        let node = self.broker.node().number();
        let after = match after {
            Some(after) if after.node > node => return Ok(Vec::new()),
            after => after.filter(|after| after.node == node),
        };
        Ok(self.hubs.members(node, hub, group, after, limit).await?)
    }

    pub(super) async fn invoke(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
        limit: Duration,
    ) -> Result<Option<Answered>, Refused> {
        if self.broker.holds(Channel::Connection(&hub, &connection)) {
            return Ok(self.hubs.invoke(hub, connection, invocation_id, message).await?);
        }
        let call = Call { hub, connection, invocation_id, limit, message };
        let channel = Channel::Connection(&call.hub, &call.connection);
        let mut answers = self.broker.ask(channel, Kind::Invoke, call.to_bytes()).await?;
        match answers.next_of_others(Instant::now() + limit).await? {
            Next::Answer(answer) => Ok(question::read_answered(answer).map_err(|_| Down)?),
            Next::All => {
                self.is_sure(&answers)?;
                Ok(None)
            }
        }
    }

    /// Whether any other node answers with more than nothing.
    async fn any(&self, channel: Channel<'_>, question: &Question) -> Result<bool, Down> {
        let mut answers = self.broker.ask(channel, Kind::Ask, question.to_bytes()).await?;
        Ok(self.sum(&mut answers, 1).await? > 0)
    }

    /// The sum of the numbers that other nodes answer, up to `enough`.
    async fn sum(&self, answers: &mut Answers, enough: usize) -> Result<usize, Down> {
        let end = Instant::now() + ANSWER;
        let mut sum = 0;
        while sum < enough {
            match answers.next(end).await? {
                Next::Answer(answer) => sum += question::read_count(answer).map_err(|_| Down)?,
                Next::All => break,
            }
        }
        if sum == 0 {
            self.is_sure(answers)?;
        }
        Ok(sum)
    }

    /// Whether those who said nothing have nothing. Soon after the broker was away, a node may be there
    /// that does not hear questions yet.
    fn is_sure(&self, _answers: &Answers) -> Result<(), Down> {
        if self.broker.is_settled() { Ok(()) } else { Err(Down) }
    }

    fn place_of_action<'a>(&self, hub: &'a HubName, action: &'a Action) -> Place<'a> {
        match action {
            Action::Send { recipients, .. } | Action::Close { recipients, .. } => {
                self.place(hub, &recipients.target)
            }
            Action::Execute { .. } => Place::Everywhere(Channel::Hub(hub)),
            Action::Groups { of: GroupsOf::Connection(connection), .. } => {
                self.place_of_connection(hub, connection)
            }
            Action::Groups { of: GroupsOf::User(user), .. } => {
                Place::Everywhere(Channel::User(hub, user))
            }
        }
    }

    fn place<'a>(&self, hub: &'a HubName, target: &'a Target) -> Place<'a> {
        match target {
            Target::Hub => Place::Everywhere(Channel::Hub(hub)),
            Target::Group(group) => Place::Everywhere(Channel::Group(hub, group)),
            Target::User(user) => Place::Everywhere(Channel::User(hub, user)),
            Target::Connection(connection) => self.place_of_connection(hub, connection),
        }
    }

    fn place_of_connection<'a>(&self, hub: &'a HubName, id: &'a ConnectionId) -> Place<'a> {
        let channel = Channel::Connection(hub, id);
        if self.broker.holds(channel) { Place::Here } else { Place::There(channel) }
    }
}

/// The groups that connections join by an action.
pub(super) fn joined_groups(action: &Action) -> impl Iterator<Item = &GroupName> {
    let (own, steps) = match action {
        Action::Groups { change: GroupChange::Join(group), .. } => (Some(group), &[][..]),
        Action::Execute { steps, .. } => (None, steps.as_slice()),
        _ => (None, &[][..]),
    };
    let of_steps = steps.iter().filter_map(|step| match step {
        Step::Groups(GroupChange::Join(group)) => Some(group),
        _ => None,
    });
    own.into_iter().chain(of_steps)
}
