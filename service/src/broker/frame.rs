//! Frames: the messages between nodes. Every version can read their header.

use bytes::Bytes;

use super::{
    node::NodeId,
    wire::{Malformed, Reader, Writer},
};

/// The version of the header.
const VERSION: u8 = 1;
/// The bytes before the body.
const HEADER: usize = 28;
/// The node that sent the frame carries it out too when it arrives, in the same way as all other
/// nodes.
const FOR_ALL: u16 = 1;

/// A message of one node to others: `u8 version | u8 kind | u16 flags | u64 origin | u64 sent | u64
/// question | body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    /// Whether the node that sent the frame carries it out too when it arrives.
    pub(crate) is_for_all: bool,
    pub(crate) origin: NodeId,
    /// When it was sent: milliseconds since 1970, by the broker's clock.
    pub(crate) sent: u64,
    /// The number that an answer must name; 0 if no answer is expected.
    pub(crate) question: u64,
    pub(crate) body: Bytes,
}

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A command. The answer is the number of connections for which it was carried out.
    Command,
    /// A question about a hub.
    Ask,
    /// A call of a client's method.
    Invoke,
    /// A request of a client that reached a node that does not own its connection.
    Relay,
    /// The caller does not wait any more.
    Cancel,
    Answer,
    /// A node is running, and all its subscriptions are made. If it has the number of a question,
    /// all nodes of which this is true answer with a Hello.
    Hello,
    /// A node is ending.
    Bye,
    /// A question about the login of a client, or its renewal.
    Login,
    /// A step of moving a connection to another node.
    Move,
    /// A question about the answer of a client that has moved.
    Await,
    /// A kind of a later version.
    Unknown(u8),
}

impl Kind {
    fn number(self) -> u8 {
        match self {
            Self::Command => 1,
            Self::Ask => 2,
            Self::Invoke => 3,
            Self::Relay => 4,
            Self::Cancel => 5,
            Self::Answer => 6,
            Self::Hello => 7,
            Self::Bye => 8,
            Self::Login => 9,
            Self::Move => 20,
            Self::Await => 21,
            Self::Unknown(number) => number,
        }
    }

    fn of(number: u8) -> Self {
        let known = [
            Self::Command,
            Self::Ask,
            Self::Invoke,
            Self::Relay,
            Self::Cancel,
            Self::Answer,
            Self::Hello,
            Self::Bye,
            Self::Login,
            Self::Move,
            Self::Await,
        ];
        known.into_iter().find(|kind| kind.number() == number).unwrap_or(Self::Unknown(number))
    }
}

impl Frame {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::with_capacity(self.encoded_len());
        writer
            .u8(VERSION)
            .u8(self.kind.number())
            .u16(if self.is_for_all { FOR_ALL } else { 0 })
            .u64(self.origin.0)
            .u64(self.sent)
            .u64(self.question)
            .raw(&self.body);
        writer.finish()
    }

    pub(crate) fn encoded_len(&self) -> usize {
        HEADER.saturating_add(self.body.len())
    }

    /// Reads a frame. If the frame has a later version, its kind is always unknown.
    pub(crate) fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let (version, kind, flags) = (reader.u8()?, reader.u8()?, reader.u16()?);
        let kind = match version {
            VERSION => Kind::of(kind),
            0 => return Err(Malformed),
            _ => Kind::Unknown(kind),
        };
        Ok(Self {
            kind,
            is_for_all: flags & FOR_ALL != 0,
            origin: NodeId(reader.u64()?),
            sent: reader.u64()?,
            question: reader.u64()?,
            body: reader.rest(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: Kind) -> Frame {
        Frame {
            kind,
            is_for_all: true,
            origin: NodeId(7),
            sent: 8,
            question: 9,
            body: Bytes::from_static(b"body"),
        }
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        for number in 1..=u8::MAX {
            let frame = frame(Kind::of(number));
            assert_eq!(frame.kind.number(), number);
            assert_eq!(Frame::decode(frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn the_body_shares_the_bytes_that_came() {
        let bytes = frame(Kind::Command).encode();
        let body = Frame::decode(bytes.clone()).unwrap().body;
        assert_eq!(body.as_ptr(), bytes.slice(28..).as_ptr());
    }

    #[test]
    fn a_frame_of_a_later_version_keeps_its_question() {
        let mut bytes = frame(Kind::Command).encode().to_vec();
        bytes[0] = 2;
        let later = Frame::decode(bytes.into()).unwrap();
        assert_eq!((later.kind, later.question), (Kind::Unknown(1), 9));
    }

    #[test]
    fn what_is_cut_is_no_frame() {
        let bytes = frame(Kind::Command).encode();
        for length in 0..28 {
            assert_eq!(Frame::decode(bytes.slice(..length)), Err(Malformed), "{length}");
        }
        assert_eq!(Frame::decode(Bytes::from(vec![0; 40])), Err(Malformed));
    }
}
