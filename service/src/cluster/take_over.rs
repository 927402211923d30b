//! How a connection with stateful reconnect moves from the node that has it (the owner) to the node
//! that its client has reached (the taker). The taker asks three questions:
//!
//! 1. Look: the owner answers with the protocol and the groups of the connection. The taker then
//!    subscribes the channels that the connection needs.
//! 2. Hold: the owner makes its callers wait, so that all their earlier messages are published. It
//!    answers with the groups again, because the connection may have joined more since the look. The
//!    taker subscribes their channels too.
//! 3. Take: the taker makes its callers wait too. It has the connection from the place of this
//!    frame on. The owner gives the connection away at the same place.
//!
//! Every node sees the frames of all nodes in the same order. So a message that is sent during the
//! move reaches the client once.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, HubName};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{
    awaited,
    inbound::Failed,
    joined::Joined,
    lost::{self, Owner},
    moved::{self, Said},
    moving::{Arrival, Taking},
    turn::{HELD, UserOf},
};
use crate::{
    broker::{Answers, Broker, Channel, Down, Expected, Frame, Interest, Kind, Malformed, Next},
    hub::{
        Hubs, Refused,
        moving::{InGroup, Moved, Outline},
        work::{Arriving, NewConnection, Step, TokenTime},
    },
    identity::Identity,
};

/// How long the other node may take to answer.
const ANSWER: Duration = Duration::from_secs(1);
/// How soon this node asks again for a connection that is still moving.
const AGAIN: Duration = Duration::from_millis(5);
/// If a frame is older than this many milliseconds, its node does not wait any more.
const OLDEST: u64 = 1_000;

/// A connection that can be taken, and the subscriptions that it needs.
#[derive(Debug)]
pub(crate) struct Takeable {
    outline: Outline,
    expected: Expected,
    /// The subscriptions of the connection, its hub and its user.
    pub(crate) interests: Vec<Interest>,
    of_groups: Vec<Interest>,
    taking: Taking,
}

impl Joined {
    /// Waits until a connection that moves to this node has arrived, or has failed to arrive.
    pub(crate) async fn settled(&self, connection: &ConnectionId) {
        let end = Instant::now() + ANSWER;
        while self.moving.taken().contains(connection) && Instant::now() < end {
            sleep(AGAIN).await;
        }
    }

    /// Checks whether another node has a connection that can be taken over, and prepares for it.
    pub(crate) async fn takeable(
        &self,
        identity: &Identity,
        token: TokenTime,
    ) -> Result<Option<Takeable>, Down> {
        let Identity { id, hub, .. } = identity;
        if !self.moving.taken().insert(id.clone()) {
            return Ok(None);
        }
        let taking = Taking { moving: self.moving.clone(), connection: id.clone() };
        let question = moved::Question::Look(token);
        let Some(answer) = self.ask_owner(hub, id, &question).await? else {
            tracing::debug!(connection = %id, "no node has the connection, or it cannot move");
            return Ok(None);
        };
        let outline = moved::read_outline(answer).map_err(|Malformed| Down)?;
        // Held before the other nodes count the channel as held by this node.
        let hold = |channel| self.broker.hold(channel);
        let own = hold(Channel::Connection(hub, id));
        let expected = self.broker.expect(Channel::Connection(hub, id));
        let interests = self.announce(identity).await?;
        drop(own);
        let of_groups = self.reach_groups(hub, &outline.groups, &[]).await?;
        Ok(Some(Takeable { outline, expected, interests, of_groups, taking }))
    }

    /// Takes a connection over. Returns whether it is here now.
    pub(crate) async fn take(
        &self,
        connection: NewConnection,
        takeable: Takeable,
    ) -> Result<bool, Refused> {
        let taking = take(self.clone(), connection, takeable);
        // If the client goes away, the move must still be completed.
        tokio::spawn(taking).await.unwrap_or(Ok(false))
    }

    /// Subscribes the channels of groups, except those that are `known`.
    async fn reach_groups(
        &self,
        hub: &HubName,
        groups: &[InGroup],
        known: &[InGroup],
    ) -> Result<Vec<Interest>, Down> {
        let is_new = |one: &&InGroup| known.iter().all(|known| known.group != one.group);
        let channels: Vec<Channel<'_>> =
            groups.iter().filter(is_new).map(|one| Channel::Group(hub, &one.group)).collect();
        let interests = self.broker.hold_all(&channels);
        for interest in &interests {
            interest.confirmed().await?;
        }
        Ok(interests)
    }

    /// The answer of the node that has a connection; `None` if no node has it, or it cannot move.
    async fn ask_owner(
        &self,
        hub: &HubName,
        connection: &ConnectionId,
        question: &moved::Question,
    ) -> Result<Option<Bytes>, Down> {
        let body = moved::question(question, hub, connection);
        let channel = Channel::Connection(hub, connection);
        let end = Instant::now() + ANSWER;
        loop {
            let mut answers = self.broker.ask(channel, Kind::Move, body.clone()).await?;
            match owners(&mut answers).await? {
                Said::Yes(answer) => return Ok(Some(answer)),
                Said::NotYet if Instant::now() < end => sleep(AGAIN).await,
                Said::NotYet | Said::No => return Ok(None),
            }
        }
    }

    /// Takes a step that another node or this node asks for.
    pub(super) async fn take_step(&self, frame: Frame) -> Result<(), Failed> {
        let (question, hub, connection) = moved::read_question(frame.body.clone())?;
        if frame.origin == self.broker.node() {
            self.begin_arrival(&connection).await?;
            // This node also answers its own question.
            self.broker.answer(&frame, Bytes::new());
            return Ok(());
        }
        if self.moving.taken().contains(&connection) {
            self.broker.answer(&frame, moved::not_yet());
            return Ok(());
        }
        if !self.broker.holds(Channel::Connection(&hub, &connection)) {
            self.broker.answer(&frame, moved::no());
            return Ok(());
        }
        match question {
            moved::Question::Look(token) => {
                let (outline, answer) = oneshot::channel();
                self.hubs.move_connection(hub, connection, Step::Look { token, outline }).await?;
                answer_later(self.broker.clone(), frame, answer, |one| moved::outline(&one));
            }
            moved::Question::Hold(user) => {
                tokio::spawn(hold(self.clone(), hub, connection, user, frame));
            }
            moved::Question::Take => {
                let held = self.moving.held().remove(&connection);
                let is_late = self.broker.now() > frame.sent.saturating_add(OLDEST);
                if is_late || held.is_none() {
                    self.broker.answer(&frame, moved::no());
                    return Ok(());
                }
                let (moved, answer) = oneshot::channel();
                self.hubs
                    .move_connection(hub.clone(), connection.clone(), Step::Out(moved))
                    .await?;
                let broker = self.broker.clone();
                answer_later(self.broker.clone(), frame, answer, move |(one, unanswered)| {
                    awaited::pass_on_all(&broker, &hub, &connection, unanswered);
                    moved::moved(&one)
                });
            }
        }
        Ok(())
    }

    /// Makes the connection known on this node from now on.
    async fn begin_arrival(&self, connection: &ConnectionId) -> Result<(), Refused> {
        let Some(arrival) = self.moving.arrivals().remove(connection) else { return Ok(()) };
        let Arrival { arriving, begun, _expected, _turn } = arrival;
        self.hubs.begin_arrival(arriving).await?;
        let _ = begun.send(());
        Ok(())
    }
}

async fn take(
    joined: Joined,
    connection: NewConnection,
    takeable: Takeable,
) -> Result<bool, Refused> {
    let Takeable { mut outline, expected, mut of_groups, taking, .. } = takeable;
    let identity = Arc::clone(&connection.identity);
    let Identity { id, hub, .. } = &*identity;
    let of_user = UserOf::Known(identity.user.clone());
    let question = moved::Question::Hold(of_user.clone());
    let Some(held) = joined.ask_owner(hub, id, &question).await? else {
        tracing::debug!(connection = %id, "the connection is not held for this node");
        return Ok(false);
    };
    // An owner of an older version does not name the groups again.
    if let Ok(held) = moved::read_outline(held) {
        let known = std::mem::replace(&mut outline.groups, held.groups);
        of_groups.extend(joined.reach_groups(hub, &outline.groups, &known).await?);
    }
    let turn = joined.moving.turns().stand_still(hub, id, &of_user).await?;
    let arriving = Arriving { connection, outline };
    let (begun, has_begun) = oneshot::channel();
    let arrival = Arrival { arriving, begun, _expected: expected, _turn: turn };
    joined.moving.arrivals().insert(id.clone(), arrival);
    let moved = take_from_owner(&joined.broker, hub, id).await;
    let owner = match &moved {
        Ok(Some(_)) => Owner::LetGo,
        Ok(None) => Owner::Keeps,
        Err(Down) => Owner::Unknown,
    };
    if owner == Owner::LetGo {
        // The answer may arrive before the frames that come in order.
        let _ = timeout(ANSWER, has_begun).await;
    }
    // An arrival that has not begun by now must never receive messages.
    let not_begun = joined.moving.arrivals().remove(id);
    let is_here = match moved {
        Ok(Some(moved)) if not_begun.is_none() => go_on(&joined.hubs, hub, id, moved).await,
        Ok(_) | Err(Down) => false,
    };
    if !is_here {
        tracing::debug!(connection = %id, "the connection does not come");
        let arriving = not_begun.map(|arrival| arrival.arriving);
        lost::end(&joined, &identity, arriving, owner).await?;
    }
    drop((of_groups, taking));
    Ok(is_here)
}

async fn take_from_owner(
    broker: &Broker,
    hub: &HubName,
    connection: &ConnectionId,
) -> Result<Option<Moved>, Down> {
    let body = moved::question(&moved::Question::Take, hub, connection);
    let channel = Channel::Connection(hub, connection);
    let mut answers = broker.ask_all(channel, Kind::Move, body).await?;
    let Said::Yes(answer) = owners(&mut answers).await? else { return Ok(None) };
    moved::read_moved(answer).map(Some).map_err(|Malformed| Down)
}

async fn go_on(hubs: &Hubs, hub: &HubName, connection: &ConnectionId, moved: Moved) -> bool {
    let (is_here, answer) = oneshot::channel();
    let step = Step::In { moved: Box::new(moved), is_here };
    let taken = hubs.move_connection(hub.clone(), connection.clone(), step).await;
    taken.is_ok() && answer.await.unwrap_or(false)
}

/// The answer of the node that has the connection, if one does.
async fn owners(answers: &mut Answers) -> Result<Said, Down> {
    let end = Instant::now() + ANSWER;
    let mut said = Said::No;
    loop {
        match answers.next_of_others(end).await? {
            Next::Answer(answer) => match moved::read(answer) {
                yes @ Said::Yes(_) => return Ok(yes),
                Said::NotYet => said = Said::NotYet,
                Said::No => {}
            },
            Next::All => return Ok(said),
        }
    }
}

/// Makes callers wait until the connection is taken, for a limited time.
async fn hold(joined: Joined, hub: HubName, connection: ConnectionId, user: UserOf, frame: Frame) {
    let Joined { hubs, broker, moving } = joined;
    let Ok(turn) = moving.turns().stand_still(&hub, &connection, &user).await else {
        return broker.answer(&frame, moved::no());
    };
    let (outline, answer) = oneshot::channel();
    // Whether the token is still good was asked by the look.
    let look = Step::Look { token: TokenTime::Good, outline };
    let looked = hubs.move_connection(hub, connection.clone(), look).await;
    // Callers wait meanwhile, so a shard that is busy for too long is not waited for.
    let (Ok(()), Ok(Ok(outline))) = (looked, timeout(HELD, answer).await) else {
        return broker.answer(&frame, moved::no());
    };
    let asked = (frame.origin, frame.question);
    moving.held().insert(connection.clone(), (asked, turn));
    broker.answer(&frame, moved::outline(&outline));
    sleep(HELD).await;
    // The connection may have left and come back, and may now be held for another question.
    let mut held = moving.held();
    if held.get(&connection).is_some_and(|(of, _)| *of == asked) {
        held.remove(&connection);
    }
}

fn answer_later<T: Send + 'static>(
    broker: Broker,
    frame: Frame,
    answer: oneshot::Receiver<T>,
    write: impl FnOnce(T) -> Bytes + Send + 'static,
) {
    tokio::spawn(async move {
        let body = answer.await.map_or_else(|_| moved::no(), write);
        broker.answer(&frame, body);
    });
}
