//! The requests of other nodes to this one, in the order in which they arrive.

use bytes::Bytes;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};
use tokio::time::timeout;

use super::{
    joined::{Joined, joined_groups},
    login::{self, LoginQuestion},
    question::{self, Call, Question},
    relays::Relays,
};
use crate::{
    broker::{Broker, Channel, Frame, Incoming, Kind, Malformed, Reader, Running},
    hub::{
        AT_ONCE, Begun, Refused, Stopping,
        command::{Action, Command, GroupChange, GroupsOf},
    },
};

/// Carries out the requests, until no more can come or the service ends. Requests of clients go to
/// `relays`.
pub(crate) async fn run(joined: Joined, mut running: Running, relays: Relays) {
    while let Some(incoming) = running.next(AT_ONCE).await {
        let done = match incoming {
            Incoming::Frames(frames) => joined.take_frames(frames, &relays).await,
            Incoming::Missed => joined.hubs.ask_groups_again().await,
        };
        if let Err(Stopping) = done {
            return;
        }
    }
}

impl Joined {
    /// Takes frames in order. Sends that come one after the other are given to the shards together.
    async fn take_frames(&self, frames: Vec<Frame>, relays: &Relays) -> Result<(), Stopping> {
        let mut sends = Vec::new();
        for frame in frames {
            if frame.kind != Kind::Command {
                self.hubs.submit_all(std::mem::take(&mut sends)).await?;
                self.take_frame(frame, relays).await?;
                continue;
            }
            match Command::read(frame.body.clone()) {
                Ok((command, _)) if frame.question == 0 && command.action.is_send() => {
                    sends.push(command);
                }
                read => {
                    self.hubs.submit_all(std::mem::take(&mut sends)).await?;
                    let asked = asked(&frame);
                    let done = match read {
                        Ok((command, rest)) => self.take_command(frame, command, rest).await,
                        Err(malformed) => Err(malformed.into()),
                    };
                    self.finish_frame(done, asked)?;
                }
            }
        }
        self.hubs.submit_all(sends).await
    }

    async fn take_frame(&self, frame: Frame, relays: &Relays) -> Result<(), Stopping> {
        let asked = asked(&frame);
        let done = match frame.kind {
            Kind::Ask => self.take_question(frame).await,
            Kind::Invoke => self.take_call(frame).await,
            Kind::Login => self.take_login(frame).await,
            Kind::Move => self.take_step(frame).await,
            Kind::Await => self.take_awaited(frame).await,
            Kind::Relay | Kind::Cancel => {
                relays.take(frame, &self.broker);
                Ok(())
            }
            // This version does not know the question. Its caller learns that this node has no
            // answer.
            Kind::Unknown(_) => {
                if frame.question != 0 {
                    self.broker.answer(&frame, Bytes::from_static(question::UNKNOWN));
                }
                Ok(())
            }
            // These frames do not come here: commands are read before, and the inbox takes the others.
            Kind::Command | Kind::Answer | Kind::Hello | Kind::Bye => Ok(()),
        };
        self.finish_frame(done, asked)
    }

    /// Answers the question of a frame that cannot be read. Fails if this node is ending.
    fn finish_frame(&self, done: Result<(), Failed>, asked: Option<Frame>) -> Result<(), Stopping> {
        match done {
            Ok(()) => {}
            Err(Failed::Malformed(Malformed)) => {
                tracing::debug!("a frame of another node cannot be read");
                // The caller must not wait for an answer.
                if let Some(asked) = asked {
                    self.broker.answer(&asked, Bytes::from_static(question::UNKNOWN));
                }
            }
            Err(Failed::Refused(Refused::Down(_) | Refused::NotWritten(_))) => {}
            Err(Failed::Refused(Refused::Stopping(stopping))) => return Err(stopping),
        }
        Ok(())
    }
}

/// The question of a frame, without its body; `None` if its sender waits for no answer.
fn asked(frame: &Frame) -> Option<Frame> {
    (frame.question != 0).then(|| Frame { body: Bytes::new(), ..frame.clone() })
}

/// Why a frame was not carried out.
pub(super) enum Failed {
    Malformed(Malformed),
    Refused(Refused),
}

impl From<Malformed> for Failed {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl<T: Into<Refused>> From<T> for Failed {
    fn from(refused: T) -> Self {
        Self::Refused(refused.into())
    }
}

impl Joined {
    async fn take_command(
        &self,
        frame: Frame,
        command: Command,
        mut rest: Reader,
    ) -> Result<(), Failed> {
        let mut removed = Vec::new();
        let _turn = match &command.action {
            Action::Groups { of: GroupsOf::User(user), change } => {
                let end = rest.u64().unwrap_or(0);
                removed = removed_for(&command.hub, user, &mut rest);
                self.hubs.user_groups.note(&command.hub, user, change, end).await
            }
            _ => None,
        };
        if frame.question == 0 {
            return Ok(self.hubs.submit(command.hub, command.action).await?);
        }
        let hub = command.hub.clone();
        let groups: Vec<GroupName> = joined_groups(&command.action).cloned().collect();
        let begun = self.hubs.begin(command).await?;
        for command in removed {
            // The caller's answer counts the connections that join.
            self.hubs.submit(command.hub, command.action).await?;
        }
        let broker = self.broker.clone();
        tokio::spawn(async move {
            let Ok(matched) = begun.matched().await else { return };
            for group in groups {
                if broker.confirmed(Channel::Group(&hub, &group)).await.is_err() {
                    return;
                }
            }
            broker.answer(&frame, question::count(matched));
        });
        Ok(())
    }

    async fn take_question(&self, frame: Frame) -> Result<(), Failed> {
        match Question::read(frame.body.clone())? {
            Question::Count { hub, target } => {
                let begun = self.hubs.begin_count(hub, target).await?;
                answer_count(self.broker.clone(), frame, begun);
            }
            Question::IsUserInGroup { hub, user, group } => {
                let joined = self.clone();
                tokio::spawn(async move {
                    let user_groups = &joined.hubs.user_groups;
                    if let Ok(is_in) = user_groups.is_in_group(hub, &user, &group).await {
                        joined.broker.answer(&frame, question::count(usize::from(is_in)));
                    }
                });
            }
            Question::Look(asked) => {
                let joined = self.clone();
                tokio::spawn(async move {
                    if let Ok(answer) = joined.looked(asked).await {
                        joined.broker.answer(&frame, answer);
                    }
                });
            }
            Question::Members { hub, group, after, limit } => {
                let joined = self.clone();
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                tokio::spawn(async move {
                    if let Ok(members) = joined.own_members(&hub, &group, after, limit).await {
                        joined.broker.answer(&frame, question::members(&members));
                    }
                });
            }
        }
        Ok(())
    }

    async fn take_call(&self, frame: Frame) -> Result<(), Failed> {
        let Call { hub, connection, invocation_id, limit, message } =
            Call::read(frame.body.clone())?;
        if self.is_elsewhere(&hub, &connection) {
            return Ok(());
        }
        let answer =
            self.hubs.begin_invocation(hub, connection, invocation_id, message, None).await?;
        let broker = self.broker.clone();
        tokio::spawn(async move {
            // After the limit the caller does not wait any more.
            let Ok(answered) = timeout(limit, answer).await else { return };
            broker.answer(&frame, question::answered(answered.ok().as_ref()));
        });
        Ok(())
    }

    async fn take_login(&self, frame: Frame) -> Result<(), Failed> {
        let LoginQuestion { hub, connection, renewal } = LoginQuestion::read(frame.body.clone())?;
        if self.is_elsewhere(&hub, &connection) {
            return Ok(());
        }
        let answer = self.hubs.begin_login(hub, connection, renewal).await?;
        let broker = self.broker.clone();
        tokio::spawn(async move {
            broker.answer(&frame, login::answer(answer.await.ok().as_ref()));
        });
        Ok(())
    }
}

impl Joined {
    /// Whether a connection is still moving to this node. Until it arrives, its old node answers.
    fn is_elsewhere(&self, hub: &HubName, connection: &ConnectionId) -> bool {
        self.broker.expects(Channel::Connection(hub, connection))
    }
}

/// The groups that the store removed a user from to make room for another one. The frames of other
/// changes, and of nodes of an older version, do not have them.
fn removed_for(hub: &HubName, user: &UserId, rest: &mut Reader) -> Vec<Command> {
    let groups: Vec<GroupName> = rest.list(Reader::name).unwrap_or_default();
    let leave = |group| {
        let change = GroupChange::Leave(group);
        let action = Action::Groups { of: GroupsOf::User(user.clone()), change };
        Command { hub: hub.clone(), action, followed: None }
    };
    groups.into_iter().map(leave).collect()
}

fn answer_count(broker: Broker, frame: Frame, begun: Begun) {
    tokio::spawn(async move {
        if let Ok(matched) = begun.matched().await {
            broker.answer(&frame, question::count(matched));
        }
    });
}
