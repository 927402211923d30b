//! Frames: what nodes send each other, with a head that every version reads.

use bytes::Bytes;

use super::{
    node::NodeId,
    wire::{Malformed, Reader, Writer},
};

/// The version of the head.
const VERSION: u8 = 1;
/// The node that sent the frame does what it says when it comes back, as all others do.
const FOR_ALL: u16 = 1;

/// What one node sends to others: `u8 version | u8 kind | u16 flags | u64 origin | u64 sent |
/// u64 question | body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    /// Whether the node that sent it carries it out too when it comes back.
    pub(crate) is_for_all: bool,
    pub(crate) origin: NodeId,
    /// When it was sent: milliseconds since 1970, by the broker's clock.
    pub(crate) sent: u64,
    /// The number that an answer names; 0 if none is waited for.
    pub(crate) question: u64,
    pub(crate) body: Bytes,
}

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A command; the answer says for how many connections it was carried out.
    Command,
    /// A question about a hub.
    Ask,
    /// The call of a client's method.
    Invoke,
    /// What a client sent to a node that does not own its connection.
    Relay,
    /// The caller does not wait any more.
    Cancel,
    Answer,
    /// A node is there, with all its subscriptions.
    Hello,
    /// A node ends.
    Bye,
    /// Of a version that comes later.
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
        ];
        known.into_iter().find(|kind| kind.number() == number).unwrap_or(Self::Unknown(number))
    }
}

impl Frame {
    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::default();
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

    /// Reads a frame. One of a later version has a kind that is unknown, whatever it says.
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
