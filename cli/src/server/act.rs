//! The actions of the commands.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use serde_json::{Value, json};
use signalr_serverless::{
    Error, GroupName,
    rest::{GroupMember, Hub, Message},
};

use super::command::{Command, Sent, To, USAGES};
use crate::{access::Access, failure::Failure, print};

/// How many group names a session remembers.
const MOST_GROUPS: usize = 1000;

pub(super) struct Actor {
    hub: Hub,
    /// The groups that were named in commands.
    groups: BTreeSet<String>,
}

impl Actor {
    pub(super) fn new(hub: Hub) -> Self {
        Self { hub, groups: BTreeSet::new() }
    }

    pub(super) async fn run(&mut self, command: Command, access: &Access) -> Result<(), Failure> {
        match command {
            Command::Broadcast(sent) => {
                let result = self.hub.broadcast(&message(&sent)?).await;
                done(access, result, "send", &format!("sent {} to everybody", sent.target))
            }
            Command::Send { to, sent } => {
                let message = message(&sent)?;
                for to in to {
                    let result = self.send(&to, &message).await;
                    done(
                        access,
                        result,
                        "send",
                        &format!("sent {} to {}", sent.target, shown(&to)),
                    )?;
                }
                Ok(())
            }
            Command::Group { adds, member, group } => {
                self.change(adds, &member, &group, access).await
            }
            Command::Groups => self.groups(access).await,
            Command::List(group) => self.list(&group, access).await,
            Command::Exists(to) => {
                let result = match &to {
                    To::User(user) => self.hub.user(user.clone()).exists().await,
                    To::Group(group) => self.hub.group(group.clone()).exists().await,
                    To::Connection(id) => self.hub.connection(id.clone()).exists().await,
                };
                let Some(exists) = access.sent(result)? else { return Ok(()) };
                let text = if exists { "is there" } else { "is not there" };
                access.print(&json!({ "exists": exists }), &format!("{} {text}", shown(&to)))
            }
            Command::Close { to, reason } => {
                let reason = reason.as_deref();
                let result = match &to {
                    To::User(user) => {
                        self.hub.user(user.clone()).close_connections(&[], reason).await
                    }
                    To::Group(group) => {
                        self.hub.group(group.clone()).close_connections(&[], reason).await
                    }
                    To::Connection(id) => self.hub.connection(id.clone()).close(reason).await,
                };
                done(access, result, "close", &format!("closed {}", shown(&to)))
            }
            Command::Invoke { connection, sent } => {
                let message = message(&sent)?;
                let result = self.hub.connection(connection).invoke::<Value>(&message).await;
                let Some(result) = access.sent(result)? else { return Ok(()) };
                access.print(&json!({ "result": result }), &result.to_string())
            }
            Command::Help => help(),
            Command::Quit => Ok(()),
        }
    }

    async fn send(&mut self, to: &To, message: &Message) -> Result<(), Error> {
        match to {
            To::User(user) => self.hub.user(user.clone()).send(message).await,
            To::Group(group) => {
                self.remember(group);
                self.hub.group(group.clone()).send(message).await
            }
            To::Connection(id) => self.hub.connection(id.clone()).send(message).await,
        }
    }

    async fn change(
        &mut self,
        adds: bool,
        member: &To,
        group: &GroupName,
        access: &Access,
    ) -> Result<(), Failure> {
        self.remember(group);
        let result = match (member, adds) {
            (To::User(user), true) => self.hub.user(user.clone()).add_to_group(group, None).await,
            (To::User(user), false) => self.hub.user(user.clone()).remove_from_group(group).await,
            (To::Connection(id), true) => {
                let added = self.hub.connection(id.clone()).add_to_group(group).await;
                if matches!(added, Ok(false)) {
                    return Err(Failure::NotFound(format!("the connection {id} is not there")));
                }
                added.map(drop)
            }
            (To::Connection(id), false) => {
                self.hub.connection(id.clone()).remove_from_group(group).await
            }
            (To::Group(_), _) => return Ok(()),
        };
        let (verb, text) = if adds { ("add", "is now in") } else { ("remove", "is no longer in") };
        done(access, result, verb, &format!("{} {text} {group}", shown(member)))
    }

    async fn groups(&self, access: &Access) -> Result<(), Failure> {
        let mut rows = Vec::new();
        for name in &self.groups {
            let group = GroupName::parse(name).map_err(|error| Failure::configuration(&error))?;
            let Some(exists) = access.sent(self.hub.group(group).exists().await)? else { continue };
            rows.push([name.clone(), if exists { "yes" } else { "no" }.to_owned()]);
        }
        let json = rows.iter().map(|[name, _]| name).collect::<Vec<_>>();
        access.print(&json, &print::table(["GROUP", "HAS CONNECTIONS"], &rows))
    }

    async fn list(&mut self, group: &GroupName, access: &Access) -> Result<(), Failure> {
        self.remember(group);
        let members = self.hub.group(group.clone()).members(None).try_collect::<Vec<GroupMember>>();
        let Some(members) = access.sent(members.await)? else { return Ok(()) };
        let row = |member: &GroupMember| {
            let user = member.user_id.as_ref().map(ToString::to_string);
            [member.connection_id.to_string(), user.unwrap_or_default()]
        };
        let rows = members.iter().map(row).collect::<Vec<_>>();
        access.print(&members, &print::table(["CONNECTION", "USER"], &rows))
    }

    fn remember(&mut self, group: &GroupName) {
        if self.groups.len() < MOST_GROUPS {
            self.groups.insert(group.to_string());
        }
    }
}

fn message(sent: &Sent) -> Result<Message, Failure> {
    Message::new(&sent.target, &sent.arguments).map_err(|error| Failure::configuration(&error))
}

fn done(access: &Access, result: Result<(), Error>, verb: &str, text: &str) -> Result<(), Failure> {
    match access.sent(result)? {
        Some(()) => access.print(&json!({ "done": verb, "text": text }), text),
        None => Ok(()),
    }
}

fn shown(to: &To) -> String {
    match to {
        To::User(user) => format!("user {user}"),
        To::Group(group) => format!("group {group}"),
        To::Connection(id) => format!("connection {id}"),
    }
}

fn help() -> Result<(), Failure> {
    let width = USAGES.iter().map(|usage| usage.form.chars().count()).max().unwrap_or_default();
    for usage in USAGES {
        print::line(&format!("{:<width$}  {}", usage.form, usage.meaning))?;
    }
    print::line(
        "An argument is JSON if it can be read so, else a text. Quotes hold words together.",
    )
}
