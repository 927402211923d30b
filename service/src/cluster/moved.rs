//! The messages between nodes about a connection that moves.

use bytes::Bytes;
use signalr_serverless::{ConnectionId, HubName};

use super::{
    login::{read_claims, write_claims},
    turn::UserOf,
};
use crate::{
    broker::{Malformed, Reader, Writer},
    hub::{
        moving::{InGroup, Moved, Outline},
        work::TokenTime,
    },
    protocol::Protocol,
    session::{MovedSession, Seconds, Sent},
};

/// The questions of the node that takes a connection to the node that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Look(TokenTime),
    Hold(UserOf),
    Take,
}

pub(super) fn question(question: &Question, hub: &HubName, connection: &ConnectionId) -> Bytes {
    let number = match question {
        Question::Look(TokenTime::Good) => 0,
        Question::Look(TokenTime::Expired) => 1,
        Question::Hold(_) => 2,
        Question::Take => 3,
    };
    let mut writer = Writer::default();
    writer.u8(number).text(hub.as_str()).text(connection.as_str());
    // Nodes of an older version do not read the user.
    if let Question::Hold(UserOf::Known(user)) = question {
        writer.option(user.as_ref(), |writer, user| {
            writer.text(user.as_str());
        });
    }
    writer.finish()
}

pub(super) fn read_question(body: Bytes) -> Result<(Question, HubName, ConnectionId), Malformed> {
    let mut reader = Reader::new(body);
    let (number, hub, connection) = (reader.u8()?, reader.name()?, reader.name()?);
    let question = match number {
        0 => Question::Look(TokenTime::Good),
        1 => Question::Look(TokenTime::Expired),
        2 => match reader.option(Reader::name) {
            Ok(user) => Question::Hold(UserOf::Known(user)),
            Err(Malformed) => Question::Hold(UserOf::NotNamed),
        },
        3 => Question::Take,
        _ => return Err(Malformed),
    };
    Ok((question, hub, connection))
}

pub(super) fn no() -> Bytes {
    Bytes::from_static(&[0])
}

/// The connection is still moving, so the caller can ask again soon.
pub(super) fn not_yet() -> Bytes {
    Bytes::from_static(&[2])
}

/// The answer of a node to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The node does not have the connection, or the connection cannot move, or the node does not
    /// know the question.
    No,
    NotYet,
    Yes(Bytes),
}

pub(super) fn read(answer: Bytes) -> Said {
    let mut reader = Reader::new(answer);
    match reader.u8() {
        Ok(1) => Said::Yes(reader.rest()),
        Ok(2) => Said::NotYet,
        _ => Said::No,
    }
}

pub(super) fn outline(outline: &Outline) -> Bytes {
    let mut writer = Writer::default();
    writer.u8(1).text(outline.protocol.name());
    write_groups(&mut writer, &outline.groups);
    writer.finish()
}

pub(super) fn read_outline(body: Bytes) -> Result<Outline, Malformed> {
    let mut reader = Reader::new(body);
    let name = reader.text()?;
    let protocol = Protocol::ALL.into_iter().find(|one| one.name() == name).ok_or(Malformed)?;
    Ok(Outline { protocol, groups: read_groups(&mut reader)? })
}

pub(super) fn moved(moved: &Moved) -> Bytes {
    let MovedSession { kept, sent, received, has_pinged, renewed } = &moved.session;
    let mut writer = Writer::default();
    writer.u8(1).u64(*sent).u64(*received).flag(*has_pinged);
    writer.option(*renewed, |writer, (left, closes)| {
        writer.u64(left.into()).flag(closes);
    });
    writer.list(kept, |writer, one| {
        writer.u64(one.first).u64(one.last).bytes(&one.frame);
    });
    write_claims(&mut writer, &moved.claims);
    write_groups(&mut writer, &moved.groups);
    // Nodes of an older version do not read the rest.
    for ids in [&moved.calls, &moved.invocations] {
        writer.list(ids, |writer, id| {
            writer.text(id);
        });
    }
    writer.list(&moved.ends, |writer, (group, end)| {
        writer.text(group.as_str()).u64(*end);
    });
    writer.finish()
}

pub(super) fn read_moved(body: Bytes) -> Result<Moved, Malformed> {
    let mut reader = Reader::new(body);
    let (sent, received, has_pinged) = (reader.u64()?, reader.u64()?, reader.flag()?);
    let renewed = reader.option(|reader| {
        let left = Seconds::try_from(reader.u64()?).map_err(|_| Malformed)?;
        Ok((left, reader.flag()?))
    })?;
    let kept = reader.list(|reader| {
        let (first, last) = (reader.u64()?, reader.u64()?);
        Ok(Sent { frame: reader.bytes()?, first, last })
    })?;
    let session = MovedSession { kept, sent, received, has_pinged, renewed };
    let (claims, groups) = (read_claims(&mut reader)?, read_groups(&mut reader)?);
    let mut moved = Moved { session, claims, groups, ..Moved::default() };
    // Nodes of an older version do not write the rest.
    if !reader.is_at_end() {
        moved.calls = reader.list(Reader::text)?;
        moved.invocations = reader.list(Reader::text)?;
        moved.ends = reader.list(|reader| Ok((reader.name()?, reader.u64()?)))?;
    }
    Ok(moved)
}

fn write_groups(writer: &mut Writer, groups: &[InGroup]) {
    writer.list(groups, |writer, one| {
        writer.text(one.group.as_str()).flag(one.by_itself).flag(one.by_user);
    });
}

fn read_groups(reader: &mut Reader) -> Result<Vec<InGroup>, Malformed> {
    reader.list(|reader| {
        Ok(InGroup { group: reader.name()?, by_itself: reader.flag()?, by_user: reader.flag()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Vec<InGroup> {
        vec![InGroup { group: "g".parse().unwrap(), by_itself: true, by_user: false }]
    }

    fn behind_yes(answer: Bytes) -> Bytes {
        let Said::Yes(body) = read(answer) else { panic!("it says no") };
        body
    }

    #[test]
    fn what_one_node_writes_another_reads() {
        let (hub, connection): (HubName, ConnectionId) =
            ("chat".parse().unwrap(), "c1".parse().unwrap());
        for asked in [
            Question::Look(TokenTime::Good),
            Question::Look(TokenTime::Expired),
            Question::Hold(UserOf::NotNamed),
            Question::Hold(UserOf::Known(None)),
            Question::Hold(UserOf::Known(Some("ann".parse().unwrap()))),
            Question::Take,
        ] {
            let read = read_question(question(&asked, &hub, &connection)).unwrap();
            assert_eq!(read, (asked, hub.clone(), connection.clone()));
        }
        for protocol in Protocol::ALL {
            let given = Outline { protocol, groups: groups() };
            assert_eq!(read_outline(behind_yes(outline(&given))), Ok(given));
        }
        assert_eq!(read(no()), Said::No);
        assert_eq!(read(not_yet()), Said::NotYet);
        assert_eq!(read(Bytes::from_static(&[u8::MAX])), Said::No);
    }

    #[test]
    fn a_connection_is_read_as_it_was_written_and_never_in_part() {
        let frame = Sent { frame: Bytes::from_static(b"frame"), first: 3, last: 4 };
        for renewed in [None, Some((60, true))] {
            let session = MovedSession {
                kept: vec![frame.clone()],
                sent: 4,
                received: 2,
                has_pinged: true,
                renewed,
            };
            let claims = vec![("role".to_owned(), "Änn".to_owned())];
            let mut given = Moved { session, claims, groups: groups(), ..Moved::default() };
            let empty_lists = 12;
            let of_older = behind_yes(moved(&given));
            let of_older = of_older.slice(..of_older.len() - empty_lists);
            assert_eq!(read_moved(of_older.clone()), Ok(given.clone()));
            given.calls = vec!["7".to_owned(), "8".to_owned()];
            given.invocations = vec!["9".to_owned()];
            given.ends = vec![("g".parse().unwrap(), 4_102_444_800_000)];
            let written = behind_yes(moved(&given));
            for end in (0..written.len()).filter(|end| *end != of_older.len()) {
                assert_eq!(read_moved(written.slice(..end)), Err(Malformed), "{end}");
            }
            assert_eq!(read_moved(written), Ok(given));
        }
    }
}
