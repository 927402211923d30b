//! How a node handles commands and questions if there are other nodes.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, GroupName, HubName};
use tokio::time::Instant;

use super::{
    begun::{ANSWER, Begun, BegunCall, Elsewhere, is_sure, sum},
    login::{self, LoginQuestion},
    moving::Moving,
    question::{self, Call, Question},
    turn::{CallersTurn, Concern},
};
use crate::{
    broker::{Asking, Broker, Channel, Down, Interest, Kind, Next},
    hub::{
        Hubs, Refused,
        command::{Action, Command, GroupChange, GroupsOf, Step, Target},
        message::Message,
        work::{Cursor, LoginAnswer, Member},
    },
    identity::Identity,
    login::Renewal,
    store::Membership,
};

/// This node and the others. All clones share the same state.
#[derive(Clone)]
pub(crate) struct Joined {
    pub(super) hubs: Arc<Hubs>,
    pub(super) broker: Broker,
    pub(super) moving: Moving,
}

/// The nodes that carry something out.
enum Place<'a> {
    /// This node only.
    Here,
    /// The node that owns a connection. It is not this node.
    There(Channel<'a>),
    /// This node, and all nodes that subscribe the channel.
    Everywhere(Channel<'a>),
}

impl Joined {
    pub(super) fn new(hubs: Arc<Hubs>, broker: Broker) -> Self {
        Self { hubs, broker, moving: Moving::default() }
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Makes a connection that begins here, its user and its hub known to other nodes. Returns when
    /// the broker has confirmed the subscriptions.
    pub(crate) async fn announce(&self, identity: &Identity) -> Result<Vec<Interest>, Down> {
        if !self.broker.is_up() {
            return Err(Down);
        }
        let Identity { id, hub, user } = identity;
        let mut channels = vec![Channel::Hub(hub), Channel::Connection(hub, id)];
        channels.extend(user.as_ref().map(|user| Channel::User(hub, user)));
        let interests = self.broker.hold_all(&channels);
        for interest in &interests {
            interest.confirmed().await?;
        }
        Ok(interests)
    }

    pub(super) async fn submit(&self, hub: HubName, action: Action) -> Result<(), Refused> {
        if joined_groups(&action).next().is_some() {
            return self.begin(hub, action).await?.matched().await.map(drop);
        }
        let _turn = self.turn(Concern::of_action(&hub, &action)).await;
        let channel = match self.place_of_action(&hub, &action) {
            Place::Here => return Ok(self.hubs.submit(hub, action).await?),
            Place::There(channel) => {
                let body = Command::to_bytes(&hub, &action);
                let frame = self.broker.frame(Kind::Command, body);
                return Ok(self.broker.publish(channel, &frame)?);
            }
            Place::Everywhere(channel) => channel,
        };
        // The place is taken first, so that either all nodes get the command or none.
        let slot = self.broker.reserve()?;
        let name = self.broker.name(channel);
        let body = Command::to_bytes(&hub, &action);
        // A connection holds the channels of its hub and its user before it begins.
        if matches!(channel, Channel::Hub(_) | Channel::User(..)) && !self.broker.has_holder(&name)
        {
            self.hubs.pass(&hub, &action);
        } else {
            self.hubs.submit(hub, action).await?;
        }
        slot.publish(&name, &self.broker.frame(Kind::Command, body));
        Ok(())
    }

    /// Takes a command in order, for this node and for others.
    pub(super) async fn begin(&self, hub: HubName, action: Action) -> Result<Begun, Refused> {
        let body = Command::to_bytes(&hub, &action);
        let mut groups: Vec<GroupName> = joined_groups(&action).cloned().collect();
        let _turn = self.turn(Concern::of_action(&hub, &action)).await;
        let place = self.place_of_action(&hub, &action);
        let is_elsewhere = matches!(place, Place::There(_));
        let asked = self.ask_at(place, Kind::Command, body)?;
        let here = if is_elsewhere {
            groups.clear();
            None
        } else {
            Some(self.hubs.begin_action(hub.clone(), action).await?)
        };
        Ok(Begun::anywhere(here, Elsewhere { broker: self.broker.clone(), hub, groups, asked }))
    }

    /// Asks in order how many connections a target names.
    pub(super) async fn begin_count(&self, hub: HubName, target: Target) -> Result<Begun, Refused> {
        let question = Question::Count { hub: hub.clone(), target: target.clone() };
        let _turn = self.turn(Concern::of_target(&hub, &target)).await;
        let place = self.place(&hub, &target);
        let is_elsewhere = matches!(place, Place::There(_));
        let asked = self.ask_at(place, Kind::Ask, question.to_bytes())?;
        let here = match is_elsewhere {
            true => None,
            false => Some(self.hubs.begin_count(hub.clone(), target).await?),
        };
        let groups = Vec::new();
        Ok(Begun::anywhere(here, Elsewhere { broker: self.broker.clone(), hub, groups, asked }))
    }

    /// Asks the nodes at a place, except this one.
    fn ask_at(&self, place: Place<'_>, kind: Kind, body: Bytes) -> Result<Option<Asking>, Down> {
        match place {
            Place::Here => Ok(None),
            Place::There(channel) | Place::Everywhere(channel) => {
                Ok(Some(self.broker.begin_to_ask(channel, kind, body)?))
            }
        }
    }

    /// Waits for the connections that are moving and that a command may concern.
    async fn turn(&self, concern: Concern<'_>) -> Option<CallersTurn> {
        self.moving.turns().begin(concern).await
    }

    pub(super) async fn exists(&self, hub: HubName, target: Target) -> Result<bool, Refused> {
        // Most targets are here, and then no other node needs to be asked.
        if !matches!(self.place(&hub, &target), Place::There(_))
            && self.hubs.count(hub.clone(), target.clone()).await? > 0
        {
            return Ok(true);
        }
        self.begin_count(hub, target).await?.matches_any().await
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
        let turn = self.turn(Concern::User(hub, user)).await;
        let channel = Channel::User(hub, user);
        let asked = self.broker.begin_to_ask(channel, Kind::Ask, question.to_bytes())?;
        // A connection may have moved here since the first look.
        let is_in_here = self.hubs.user_groups.is_in_group(hub.clone(), user, group).await?;
        drop(turn);
        if is_in_here {
            return Ok(true);
        }
        let mut answers = asked.published().await?;
        Ok(sum(&self.broker, &mut answers, 1).await? > 0)
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
        let turn = self.turn(Concern::Hub(hub)).await;
        let channel = Channel::Group(hub, group);
        let asked = self.broker.begin_to_ask(channel, Kind::Ask, question.to_bytes())?;
        let mut members = self.own_members(hub, group, after, limit).await?;
        drop(turn);
        let mut answers = asked.published().await?;
        let end = Instant::now() + ANSWER;
        while let Next::Answer(answer) = answers.next(end).await? {
            members.extend(question::read_members(answer).map_err(|_| Down)?);
        }
        is_sure(&self.broker)?;
        members.sort_unstable_by_key(|(cursor, _)| *cursor);
        members.truncate(limit);
        Ok(members)
    }

    /// The members of a group that this node owns and that come after `after`.
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

    /// Calls a method of a client in order.
    pub(super) async fn begin_call(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
        asked_by: Option<String>,
        limit: Duration,
    ) -> Result<BegunCall, Refused> {
        let _turn = self.turn(Concern::Connection(&hub, &connection)).await;
        if self.broker.holds(Channel::Connection(&hub, &connection)) {
            let hubs = &self.hubs;
            let answer =
                hubs.begin_invocation(hub, connection, invocation_id, message, asked_by).await?;
            return Ok(BegunCall::Here(answer));
        }
        let call = Call { hub, connection, invocation_id, limit, message };
        let channel = Channel::Connection(&call.hub, &call.connection);
        let asked = self.broker.begin_to_ask(channel, Kind::Invoke, call.to_bytes())?;
        Ok(BegunCall::Elsewhere { broker: self.broker.clone(), asked, limit })
    }

    pub(super) async fn login(
        &self,
        hub: HubName,
        connection: ConnectionId,
        renewal: Option<Renewal>,
    ) -> Result<Option<LoginAnswer>, Refused> {
        let turn = self.turn(Concern::Connection(&hub, &connection)).await;
        if self.broker.holds(Channel::Connection(&hub, &connection)) {
            let answer = self.hubs.begin_login(hub, connection, renewal).await?;
            drop(turn);
            return Ok(answer.await.ok());
        }
        let question = LoginQuestion { hub: hub.clone(), connection: connection.clone(), renewal };
        let channel = Channel::Connection(&hub, &connection);
        let asked = self.broker.begin_to_ask(channel, Kind::Login, question.to_bytes())?;
        drop(turn);
        let mut answers = asked.published().await?;
        let end = Instant::now() + ANSWER;
        loop {
            match answers.next_of_others(end).await? {
                Next::Answer(answer) => match login::read_answer(answer) {
                    // A node that had the connection before may still get questions about it.
                    Ok(None) => {}
                    Ok(answer) => return Ok(answer),
                    Err(_) => return Err(Down.into()),
                },
                Next::All => {
                    is_sure(&self.broker)?;
                    return Ok(None);
                }
            }
        }
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
