//! Commands as they are sent to other nodes: messages in JSON, and filters as text.

use std::sync::Arc;

use bytes::Bytes;
use signalr_server_protocol::Payloads;
use signalr_serverless::{HubName, UserId};

use super::{
    command::{Action, Command, GroupChange, GroupsOf, Recipients, Step, Target},
    message::{Content, Message},
};
use crate::{
    broker::{Malformed, Reader, Writer},
    filter::Filter,
    protocol::Protocol,
};

impl Command {
    /// The command as bytes for other nodes.
    pub(crate) fn to_bytes(hub: &HubName, action: &Action) -> Bytes {
        let mut writer = Writer::with_capacity(size(action));
        writer.text(hub.as_str());
        write_action(&mut writer, action);
        writer.finish()
    }

    /// Reads a command. Returns the reader too, for the bytes after the command.
    pub(crate) fn read(body: Bytes) -> Result<(Self, Reader), Malformed> {
        let mut reader = Reader::new(body);
        let hub = reader.name()?;
        let action = read_action(&mut reader)?;
        Ok((Self { hub, followed: action.followed(), action }, reader))
    }
}

/// About how many bytes an action has for other nodes.
fn size(action: &Action) -> usize {
    const NAMES: usize = 256;
    match action {
        Action::Send { message, .. } => message.bytes().saturating_add(NAMES),
        Action::Execute { .. } | Action::Close { .. } | Action::Groups { .. } => NAMES,
    }
}

/// A change of a user's groups. A script adds the end of the membership after it.
pub(crate) fn user_change(hub: &HubName, user: &UserId, change: GroupChange) -> Bytes {
    Command::to_bytes(hub, &Action::Groups { of: GroupsOf::User(user.clone()), change })
}

fn write_action(writer: &mut Writer, action: &Action) {
    match action {
        Action::Send { recipients, message } => {
            recipients.write(writer.u8(0));
            write_message(writer, message);
        }
        Action::Execute { filter, steps } => {
            let filter = filter.as_ref().map(Filter::text);
            writer.u8(1).option(filter, |writer, text| {
                writer.text(text);
            });
            writer.list(steps, write_step);
        }
        Action::Close { recipients, reason } => {
            recipients.write(writer.u8(2));
            write_text(writer, reason.as_deref());
        }
        Action::Groups { of, change } => {
            writer.u8(3);
            match of {
                GroupsOf::Connection(connection) => writer.u8(0).text(connection.as_str()),
                GroupsOf::User(user) => writer.u8(1).text(user.as_str()),
            };
            change.write(writer);
        }
    }
}

fn read_action(reader: &mut Reader) -> Result<Action, Malformed> {
    Ok(match reader.u8()? {
        0 => Action::Send { recipients: Recipients::read(reader)?, message: read_message(reader)? },
        1 => {
            let filter = reader.option(Reader::text)?;
            let filter = filter.map(|text| text.parse::<Filter>()).transpose();
            let filter = filter.map_err(|_| Malformed)?;
            Action::Execute { filter, steps: reader.list(read_step)? }
        }
        2 => {
            let recipients = Recipients::read(reader)?;
            Action::Close { recipients, reason: reader.option(Reader::text)? }
        }
        3 => {
            let of = match reader.u8()? {
                0 => GroupsOf::Connection(reader.name()?),
                1 => GroupsOf::User(reader.name()?),
                _ => return Err(Malformed),
            };
            Action::Groups { of, change: GroupChange::read(reader)? }
        }
        _ => return Err(Malformed),
    })
}

impl Recipients {
    fn write(&self, writer: &mut Writer) {
        self.target.write(writer);
        writer.list(&self.excluded, |writer, connection| {
            writer.text(connection.as_str());
        });
    }

    fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(Self { target: Target::read(reader)?, excluded: reader.list(Reader::name)? })
    }
}

impl Target {
    pub(crate) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Hub => writer.u8(0),
            Self::Group(group) => writer.u8(1).text(group.as_str()),
            Self::User(user) => writer.u8(2).text(user.as_str()),
            Self::Connection(connection) => writer.u8(3).text(connection.as_str()),
        };
    }

    pub(crate) fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            0 => Self::Hub,
            1 => Self::Group(reader.name()?),
            2 => Self::User(reader.name()?),
            3 => Self::Connection(reader.name()?),
            _ => return Err(Malformed),
        })
    }
}

impl GroupChange {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Join(group) => writer.u8(0).text(group.as_str()),
            Self::Leave(group) => writer.u8(1).text(group.as_str()),
            Self::LeaveAll => writer.u8(2),
        };
    }

    fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            0 => Self::Join(reader.name()?),
            1 => Self::Leave(reader.name()?),
            2 => Self::LeaveAll,
            _ => return Err(Malformed),
        })
    }
}

fn write_step(writer: &mut Writer, step: &Step) {
    match step {
        Step::Send(message) => write_message(writer.u8(0), message),
        Step::Groups(change) => change.write(writer.u8(1)),
        Step::Close { reason } => write_text(writer.u8(2), reason.as_deref()),
    }
}

fn read_step(reader: &mut Reader) -> Result<Step, Malformed> {
    Ok(match reader.u8()? {
        0 => Step::Send(read_message(reader)?),
        1 => Step::Groups(GroupChange::read(reader)?),
        2 => Step::Close { reason: reader.option(Reader::text)? },
        _ => return Err(Malformed),
    })
}

/// Forms of a message between nodes. The older form with two optional encodings begins with 0 or 1.
const OF_APP: u8 = 2;
const JSON: u8 = 3;

/// A message for other nodes. If its sender did not encode it, it is sent in JSON only: a node whose
/// clients need another protocol encodes it once more.
pub(crate) fn write_message(writer: &mut Writer, message: &Message) {
    match &message.content {
        Content::Encoded { json, message_pack } => {
            for bytes in [json, message_pack] {
                writer.option(bytes.as_ref(), |writer, bytes| {
                    writer.bytes(bytes);
                });
            }
        }
        Content::OfApp(Payloads(payloads)) => {
            writer.u8(OF_APP).list(payloads, |writer, (protocol, bytes)| {
                writer.text(protocol).bytes(bytes);
            });
        }
        Content::Invocation { .. }
        | Content::StreamItem { .. }
        | Content::StreamEnd { .. }
        | Content::OfNode(_) => {
            writer.u8(JSON).bytes(&message.encoded(Protocol::Json).unwrap_or_default());
        }
    }
}

pub(crate) fn read_message(reader: &mut Reader) -> Result<Arc<Message>, Malformed> {
    let content = match reader.u8()? {
        is_json @ (0 | 1) => Content::Encoded {
            json: (is_json == 1).then(|| reader.bytes()).transpose()?,
            message_pack: reader.option(Reader::bytes)?,
        },
        OF_APP => {
            Content::OfApp(Payloads(reader.list(|reader| Ok((reader.text()?, reader.bytes()?)))?))
        }
        JSON => Content::OfNode(reader.bytes()?),
        _ => return Err(Malformed),
    };
    Ok(Arc::new(Message::new(content)))
}

fn write_text(writer: &mut Writer, text: Option<&str>) {
    writer.option(text, |writer, text| {
        writer.text(text);
    });
}

#[cfg(test)]
mod tests {
    use serde_json::value::{RawValue, to_raw_value};
    use signalr_serverless::{ConnectionId, GroupName};

    use super::*;
    use crate::carrier::{Encoding, Transport};

    fn group(name: &str) -> GroupName {
        GroupName::parse(name).unwrap()
    }

    fn message() -> Arc<Message> {
        let arguments = to_raw_value(&serde_json::json!(["é", 1.5])).unwrap();
        let target = "m".to_owned();
        Arc::new(Message::new(Content::Invocation { target, arguments, invocation_id: None }))
    }

    fn all() -> Vec<Action> {
        let connection = ConnectionId::parse("c").unwrap();
        let user = UserId::parse("a:n:n").unwrap();
        let targets = [
            Target::Hub,
            Target::Group(group("g:h")),
            Target::User(user.clone()),
            Target::Connection(connection.clone()),
        ];
        let mut all = Vec::new();
        for target in targets {
            let excluded = vec![connection.clone()];
            let recipients = Recipients { target, excluded };
            let message = message();
            all.push(Action::Close { recipients: recipients.clone(), reason: Some("é".into()) });
            all.push(Action::Send { recipients, message });
        }
        let changes =
            [GroupChange::Join(group("a")), GroupChange::Leave(group("b")), GroupChange::LeaveAll];
        for change in changes {
            for of in [GroupsOf::Connection(connection.clone()), GroupsOf::User(user.clone())] {
                all.push(Action::Groups { of, change: change.clone() });
            }
            let steps =
                vec![Step::Groups(change), Step::Send(message()), Step::Close { reason: None }];
            all.push(Action::Execute { filter: Some("userId eq 'ann'".parse().unwrap()), steps });
        }
        all.push(Action::Execute { filter: None, steps: Vec::new() });
        all
    }

    /// Messages are compared by their bytes, because clients get the bytes.
    fn shown(action: &Action) -> String {
        format!("{:?}", Command::to_bytes(&HubName::parse("chat").unwrap(), action))
    }

    #[test]
    fn a_client_gets_the_same_from_every_node() {
        let (stream_id, json) = ("7".to_owned(), || to_raw_value(&[1, 2]).unwrap());
        let invocation = |invocation_id| Content::Invocation {
            target: "\"m\"\u{1e}é".to_owned(),
            arguments: to_raw_value(&serde_json::json!(["é\u{1e}", -1.5, null, {"a": []}]))
                .unwrap(),
            invocation_id,
        };
        let payloads = ["json", "blazorpack", "own"].map(|name| (name.to_owned(), name.into()));
        for content in [
            invocation(None),
            invocation(Some("i".to_owned())),
            Content::StreamItem { stream_id: stream_id.clone(), item: json() },
            Content::StreamItem { stream_id: stream_id.clone(), item: RawValue::NULL.to_owned() },
            Content::StreamEnd { stream_id: stream_id.clone(), error: None },
            Content::StreamEnd { stream_id, error: Some("é".to_owned()) },
            Content::Encoded { json: None, message_pack: Some("b".into()) },
            Content::OfApp(Payloads(payloads.to_vec())),
        ] {
            let message = Message::new(content);
            let mut writer = Writer::default();
            write_message(&mut writer, &message);
            let read = read_message(&mut Reader::new(writer.finish())).unwrap();
            for protocol in Protocol::ALL {
                assert_eq!(read.encoded(protocol), message.encoded(protocol), "{message:?}");
            }
            let encoding =
                Encoding { protocol: Protocol::OtherText, transport: Transport::WebSockets };
            let frame = |message: &Message| message.frame_of_other("own", encoding);
            assert_eq!(frame(&read), frame(&message));
        }
    }

    #[test]
    fn what_is_not_a_message_for_clients_has_no_other_form() {
        for json in ["", "{}", "\u{1e}", "{\"type\":1}\u{1e}", "{\"type\":6}\u{1e}", "[]\u{1e}"] {
            let message = Message::new(Content::OfNode(json.into()));
            assert_eq!(message.encoded(Protocol::MessagePack), None, "{json}");
        }
    }

    #[test]
    fn every_command_is_read_as_it_was_written() {
        let hub = HubName::parse("chat").unwrap();
        for action in all() {
            let bytes = Command::to_bytes(&hub, &action);
            let (read, rest) = Command::read(bytes.clone()).unwrap();
            assert_eq!((&read.hub, shown(&read.action)), (&hub, shown(&action)));
            assert!(rest.rest().is_empty());
            for length in 0..bytes.len() {
                assert!(Command::read(bytes.slice(..length)).is_err(), "{action:?} {length}");
            }
        }
    }
}
