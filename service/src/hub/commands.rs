//! Commands to the shards, and questions about how many connections these concern.

use std::sync::Arc;

use signalr_serverless::{GroupName, HubName};
use tokio::sync::oneshot;

use super::{
    Hubs,
    begun::Begun,
    command::{Action, Command, Target},
    destination::Destination,
    queues::Stopping,
    traced,
    work::{Cursor, Member, Question, Work},
};

impl Hubs {
    /// Takes a command. The shards carry it out later.
    pub(crate) async fn submit(&self, hub: HubName, action: Action) -> Result<(), Stopping> {
        self.note(&hub, &action);
        let command = Arc::new(Command { hub, followed: action.followed(), action });
        let destination = self.queues.destinations.of_action(&command.hub, &command.action);
        let work = || Work::Command { command: Arc::clone(&command), matched: None };
        self.queues.push(&destination, work).await
    }

    /// Takes commands, in order. The shards carry them out later.
    pub(crate) async fn submit_all(&self, commands: Vec<Command>) -> Result<(), Stopping> {
        if commands.is_empty() {
            return Ok(());
        }
        let mut works: Vec<Vec<Work>> = Vec::new();
        works.resize_with(self.queues.destinations.shard_of.shards(), Vec::new);
        for command in commands {
            self.note(&command.hub, &command.action);
            let command = Arc::new(command);
            let work = || Work::Command { command: Arc::clone(&command), matched: None };
            match self.queues.destinations.of_action(&command.hub, &command.action) {
                Destination::One(shard) => works[shard].push(work()),
                Destination::These(shards) => {
                    shards.into_iter().for_each(|shard| works[shard].push(work()));
                }
                Destination::All => works.iter_mut().for_each(|works| works.push(work())),
            }
        }
        self.queues.push_many(works).await
    }

    /// Counts a command that concerns no connection of this node.
    pub(crate) fn pass(&self, hub: &HubName, action: &Action) {
        self.note(hub, action);
        // The log reports that nothing was delivered here.
        drop(action.followed());
    }

    /// Takes a command and waits until it is carried out. Returns how many connections matched.
    pub(crate) async fn carry_out(&self, hub: HubName, action: Action) -> Result<usize, Stopping> {
        self.begin_action(hub, action).await?.matched().await
    }

    /// Takes a command. The caller can wait later until it is carried out.
    pub(crate) async fn begin_action(
        &self,
        hub: HubName,
        action: Action,
    ) -> Result<Begun, Stopping> {
        self.note(&hub, &action);
        self.begin(Command { hub, followed: action.followed(), action }).await
    }

    /// Counts the messages of an action, and shows them to the viewers of the live trace.
    fn note(&self, hub: &HubName, action: &Action) {
        self.taken.action(hub, action);
        if self.trace.is_watched() {
            traced::messages(hub, action).for_each(|event| self.trace.note(|| event));
        }
    }

    /// Takes a command. The caller can wait for the answer later.
    pub(crate) async fn begin(&self, command: Command) -> Result<Begun, Stopping> {
        let command = Arc::new(command);
        let mut answers = Vec::new();
        let destination = self.queues.destinations.of_action(&command.hub, &command.action);
        let work = || {
            let (matched, answer) = oneshot::channel();
            answers.push(answer);
            Work::Command { command: Arc::clone(&command), matched: Some(matched) }
        };
        self.queues.push(&destination, work).await?;
        Ok(Begun(answers))
    }

    /// How many connections a target names.
    pub(crate) async fn count(&self, hub: HubName, target: Target) -> Result<usize, Stopping> {
        self.begin_count(hub, target).await?.matched().await
    }

    /// Asks how many connections a target names. The caller can wait for the answer later.
    pub(crate) async fn begin_count(
        &self,
        hub: HubName,
        target: Target,
    ) -> Result<Begun, Stopping> {
        let mut answers = Vec::new();
        let destination = self.queues.destinations.of_target(&hub, &target);
        let work = || {
            let (count, answer) = oneshot::channel();
            answers.push(answer);
            let question = Question::Count { target: target.clone(), count };
            Work::Ask { hub: hub.clone(), question }
        };
        self.queues.push(&destination, work).await?;
        Ok(Begun(answers))
    }

    /// The first connections of a group on this node after `after`, shard by shard, each with its
    /// place. If a connection comes or goes, the places of the others stay the same.
    pub(crate) async fn members(
        &self,
        node: u64,
        hub: &HubName,
        group: &GroupName,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<(Cursor, Member)>, Stopping> {
        let mut page = Vec::new();
        let (first, mut after) = after.map_or((0, None), |one| (one.shard, Some(one.place)));
        for shard in first..self.queues.destinations.shard_of.shards() {
            let limit = limit.saturating_sub(page.len());
            if limit == 0 {
                break;
            }
            let (members, answer) = oneshot::channel();
            let (group, after) = (group.clone(), after.take());
            let question = Question::Members { group, after, limit, members };
            self.queues.push_to(shard, Work::Ask { hub: hub.clone(), question }).await?;
            let members = answer.await.map_err(|_| Stopping)?.into_iter();
            page.extend(members.map(|one| (Cursor { node, shard, place: one.place }, one)));
        }
        Ok(page)
    }
}
