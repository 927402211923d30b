//! Questions and answers between nodes, as bytes.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::value::RawValue;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};

use super::asked::Asked;
use crate::{
    broker::{Down, Malformed, Reader, Writer},
    hub::{
        answer::{Answer, Answered, NoAnswer},
        command::Target,
        message::Message,
        wire::{read_message, write_message},
        work::{Cursor, Member},
    },
    protocol::Protocol,
};

/// The number of a look among the kinds of questions.
const LOOK: u8 = 3;

/// A question about a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// How many connections a target names.
    Count {
        hub: HubName,
        target: Target,
    },
    /// Whether a connection of the user is in the group because the user is. The answer is 1 or 0.
    IsUserInGroup {
        hub: HubName,
        user: UserId,
        group: GroupName,
    },
    Members {
        hub: HubName,
        group: GroupName,
        after: Option<Cursor>,
        limit: u32,
    },
    /// A look of an operator.
    Look(Asked),
}

impl Question {
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut writer = Writer::default();
        match self {
            Self::Count { hub, target } => target.write(writer.u8(0).text(hub.as_str())),
            Self::IsUserInGroup { hub, user, group } => {
                writer.u8(1).text(hub.as_str()).text(user.as_str()).text(group.as_str());
            }
            Self::Members { hub, group, after, limit } => {
                writer.u8(2).text(hub.as_str()).text(group.as_str()).u32(*limit);
                writer.option(*after, write_cursor);
            }
            Self::Look(asked) => {
                // Names and numbers can always be written in JSON.
                writer.u8(LOOK).raw(&serde_json::to_vec(asked).unwrap_or_default());
            }
        }
        writer.finish()
    }

    pub(super) fn read(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let kind = reader.u8()?;
        if kind == LOOK {
            let asked = serde_json::from_slice(&reader.rest()).map_err(|_| Malformed)?;
            return Ok(Self::Look(asked));
        }
        let hub = reader.name()?;
        Ok(match kind {
            0 => Self::Count { hub, target: Target::read(&mut reader)? },
            1 => Self::IsUserInGroup { hub, user: reader.name()?, group: reader.name()? },
            2 => {
                let (group, limit) = (reader.name()?, reader.u32()?);
                Self::Members { hub, group, limit, after: reader.option(read_cursor)? }
            }
            _ => return Err(Malformed),
        })
    }
}

/// A call of a client's method.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) hub: HubName,
    pub(super) connection: ConnectionId,
    pub(super) invocation_id: String,
    /// How long its caller waits.
    pub(super) limit: Duration,
    pub(super) message: Arc<Message>,
}

impl Call {
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut writer = Writer::default();
        let limit = u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX);
        writer.text(self.hub.as_str()).text(self.connection.as_str());
        write_message(writer.text(&self.invocation_id).u64(limit), &self.message);
        writer.finish()
    }

    pub(super) fn read(body: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        Ok(Self {
            hub: reader.name()?,
            connection: reader.name()?,
            invocation_id: reader.text()?,
            limit: Duration::from_millis(reader.u64()?),
            message: read_message(&mut reader)?,
        })
    }
}

/// The answer to a command, or to a question about a number.
pub(super) fn count(count: usize) -> Bytes {
    let mut writer = Writer::default();
    writer.u64(count as u64);
    writer.finish()
}

/// The answer of a node that does not know the question.
pub(super) const UNKNOWN: &[u8] = &[u8::MAX];

/// Reads a number. The answer of the asking node itself is empty, because its own connections were
/// already counted.
pub(super) fn read_count(answer: Bytes) -> Result<usize, Malformed> {
    if answer.is_empty() {
        return Ok(0);
    }
    usize::try_from(Reader::new(answer).u64()?).map_err(|_| Malformed)
}

pub(super) fn members(members: &[(Cursor, Member)]) -> Bytes {
    let mut writer = Writer::default();
    writer.list(members, |writer, (cursor, member)| {
        write_cursor(writer, *cursor);
        writer.text(member.connection.as_str());
        writer.option(member.user.as_ref(), |writer, user| {
            writer.text(user.as_str());
        });
    });
    writer.finish()
}

pub(super) fn read_members(answer: Bytes) -> Result<Vec<(Cursor, Member)>, Malformed> {
    if answer.is_empty() {
        return Ok(Vec::new());
    }
    Reader::new(answer).list(|reader| {
        let cursor = read_cursor(reader)?;
        let (connection, user) = (reader.name()?, reader.option(Reader::name)?);
        Ok((cursor, Member { connection, user, place: cursor.place }))
    })
}

/// The client's answer to a call; `None` if there is no answer.
pub(super) fn answered(answered: Option<&Answered>) -> Bytes {
    let mut writer = Writer::default();
    match answered {
        None => {
            writer.u8(0);
        }
        Some(Err(NoAnswer::NoForm)) => {
            writer.u8(1);
        }
        Some(Err(NoAnswer::Down(_))) => {
            writer.u8(3);
        }
        Some(Ok(Answer { outcome, protocol, message })) => {
            writer.u8(2).u8(number_of(*protocol)).bytes(message);
            match outcome {
                Ok(None) => writer.u8(0),
                Ok(Some(result)) => writer.u8(1).text(result.get()),
                Err(error) => writer.u8(2).text(error),
            };
        }
    }
    writer.finish()
}

pub(super) fn read_answered(answer: Bytes) -> Result<Option<Answered>, Malformed> {
    let mut reader = Reader::new(answer);
    Ok(match reader.u8()? {
        0 => None,
        1 => Some(Err(NoAnswer::NoForm)),
        3 => Some(Err(Down.into())),
        2 => {
            let protocol = protocol_of(reader.u8()?)?;
            let message = reader.bytes()?;
            let outcome = match reader.u8()? {
                0 => Ok(None),
                1 => Ok(Some(RawValue::from_string(reader.text()?).map_err(|_| Malformed)?)),
                2 => Err(reader.text()?),
                _ => return Err(Malformed),
            };
            Some(Ok(Answer { outcome, protocol, message }))
        }
        _ => return Err(Malformed),
    })
}

fn number_of(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Json => 0,
        Protocol::MessagePack => 1,
        Protocol::BlazorPack => 2,
        Protocol::OtherText => 3,
        Protocol::OtherBinary => 4,
    }
}

fn protocol_of(number: u8) -> Result<Protocol, Malformed> {
    match number {
        0 => Ok(Protocol::Json),
        1 => Ok(Protocol::MessagePack),
        2 => Ok(Protocol::BlazorPack),
        3 => Ok(Protocol::OtherText),
        4 => Ok(Protocol::OtherBinary),
        _ => Err(Malformed),
    }
}

fn write_cursor(writer: &mut Writer, cursor: Cursor) {
    writer.u64(cursor.node).u64(cursor.shard as u64).u64(cursor.place);
}

fn read_cursor(reader: &mut Reader) -> Result<Cursor, Malformed> {
    let node = reader.u64()?;
    let shard = usize::try_from(reader.u64()?).map_err(|_| Malformed)?;
    Ok(Cursor { node, shard, place: reader.u64()? })
}
