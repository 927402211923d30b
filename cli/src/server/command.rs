//! The commands that can be typed.

use serde_json::Value;
use signalr_serverless::{ConnectionId, GroupName, UserId};

use crate::terminal::{Usage, Words};

pub(super) const USAGES: &[Usage] = &[
    Usage { form: "broadcast [TARGET [ARGUMENT…]]", meaning: "send to everybody in the hub" },
    Usage { form: "send user USER [TARGET [ARGUMENT…]]", meaning: "send to a user" },
    Usage { form: "send users USER,USER [TARGET [ARGUMENT…]]", meaning: "send to several users" },
    Usage { form: "send group GROUP [TARGET [ARGUMENT…]]", meaning: "send to a group" },
    Usage {
        form: "send groups GROUP,GROUP [TARGET [ARGUMENT…]]",
        meaning: "send to several groups",
    },
    Usage {
        form: "send connection CONNECTION [TARGET [ARGUMENT…]]",
        meaning: "send to a connection",
    },
    Usage { form: "group add user USER GROUP", meaning: "add a user to a group" },
    Usage { form: "group add connection CONNECTION GROUP", meaning: "add a connection to a group" },
    Usage { form: "group remove user USER GROUP", meaning: "remove a user from a group" },
    Usage {
        form: "group remove connection CONNECTION GROUP",
        meaning: "remove a connection from a group",
    },
    Usage {
        form: "groups",
        meaning: "the groups named in this session, and whether anybody is in them",
    },
    Usage { form: "list GROUP", meaning: "the connections of a group" },
    Usage { form: "exists user USER", meaning: "whether a user has a connection" },
    Usage { form: "exists group GROUP", meaning: "whether a group has a connection" },
    Usage { form: "exists connection CONNECTION", meaning: "whether a connection is there" },
    Usage { form: "close user USER [REASON]", meaning: "close a user's connections" },
    Usage { form: "close group GROUP [REASON]", meaning: "close a group's connections" },
    Usage { form: "close connection CONNECTION [REASON]", meaning: "close a connection" },
    Usage {
        form: "invoke CONNECTION TARGET [ARGUMENT…]",
        meaning: "call a client's method, and show its result",
    },
    Usage { form: "help", meaning: "this list" },
    Usage { form: "quit", meaning: "leave" },
];

/// The kind of receiver that a name means.
#[derive(Clone, Debug)]
pub(super) enum To {
    User(UserId),
    Group(GroupName),
    Connection(ConnectionId),
}

/// A method and its arguments. If none are given, the ones that Azure's sample sends.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) target: String,
    pub(super) arguments: Vec<Value>,
}

#[derive(Debug)]
pub(super) enum Command {
    Broadcast(Sent),
    Send { to: Vec<To>, sent: Sent },
    Group { adds: bool, member: To, group: GroupName },
    Groups,
    List(GroupName),
    Exists(To),
    Close { to: To, reason: Option<String> },
    Invoke { connection: ConnectionId, sent: Sent },
    Help,
    Quit,
}

impl Command {
    /// Reads a line; `None` for an empty line or a comment. An error says what would be right.
    pub(super) fn parse(line: &str) -> Result<Option<Self>, String> {
        let mut words = Words::of(line)?;
        let Some(verb) = words.next() else { return Ok(None) };
        parse(&verb, words).map(Some).map_err(|problem| {
            let forms = USAGES.iter().map(|usage| usage.form);
            let like =
                forms.filter(|form| form.split(' ').next() == Some(&verb)).collect::<Vec<_>>();
            match like.as_slice() {
                [] => format!("'{verb}' is not a command; 'help' lists them"),
                like => format!("{verb}: {problem}; write {}", like.join(", or ")),
            }
        })
    }
}

fn parse(verb: &str, mut words: Words) -> Result<Command, String> {
    Ok(match verb {
        "broadcast" => Command::Broadcast(sent(words)),
        "send" => {
            let kind = words.need("to whom")?;
            let names = words.need("a name")?;
            let to = match kind.as_str() {
                "users" => each(&names, |name| to("user", name))?,
                "groups" => each(&names, |name| to("group", name))?,
                kind => vec![to(kind, &names)?],
            };
            Command::Send { to, sent: sent(words) }
        }
        "group" => {
            let adds = match words.need("'add' or 'remove'")?.as_str() {
                "add" => true,
                "remove" => false,
                other => return Err(format!("'{other}' is neither add nor remove")),
            };
            let kind = words.need("'user' or 'connection'")?;
            let member = match to(&kind, &words.need("a name")?)? {
                To::Group(_) => return Err("a group cannot be in a group".to_owned()),
                member => member,
            };
            let group = name(&words.need("a group")?, GroupName::parse)?;
            words.end()?;
            Command::Group { adds, member, group }
        }
        "groups" => words.end().map(|()| Command::Groups)?,
        "list" => {
            let group = name(&words.need("a group")?, GroupName::parse)?;
            words.end()?;
            Command::List(group)
        }
        "exists" => {
            let to = to(&words.need("a kind")?, &words.need("a name")?)?;
            words.end()?;
            Command::Exists(to)
        }
        "close" => {
            let to = to(&words.need("a kind")?, &words.need("a name")?)?;
            let reason = words.next();
            words.end()?;
            Command::Close { to, reason }
        }
        "invoke" => {
            let connection = name(&words.need("a connection")?, ConnectionId::parse)?;
            let target = words.need("a target")?;
            Command::Invoke { connection, sent: Sent { target, arguments: words.arguments() } }
        }
        "help" => Command::Help,
        "quit" | "exit" => Command::Quit,
        other => return Err(format!("'{other}' is unknown")),
    })
}

fn to(kind: &str, text: &str) -> Result<To, String> {
    match kind {
        "user" => name(text, UserId::parse).map(To::User),
        "group" => name(text, GroupName::parse).map(To::Group),
        "connection" => name(text, ConnectionId::parse).map(To::Connection),
        other => Err(format!("'{other}' is neither user, group nor connection")),
    }
}

fn each(names: &str, parse: impl Fn(&str) -> Result<To, String>) -> Result<Vec<To>, String> {
    names.split(',').map(parse).collect()
}

fn name<T, E: ToString>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, String> {
    parse(text).map_err(|error| error.to_string())
}

fn sent(mut words: Words) -> Sent {
    match words.next() {
        Some(target) => Sent { target, arguments: words.arguments() },
        None => Sent {
            target: "SendMessage".to_owned(),
            arguments: vec!["signalr server".into(), "Hello from server".into()],
        },
    }
}
