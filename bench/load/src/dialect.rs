//! The form of records and how frames carry them: SignalR's two protocols, and the protocols of the
//! servers that the service is compared with.

use clap::ValueEnum;

/// A protocol on a WebSocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// SignalR's JSON
    #[default]
    Json,
    /// SignalR's MessagePack
    #[value(name = "messagepack")]
    MessagePack,
    /// Socket.IO 5 on Engine.IO 4
    #[value(name = "socket.io")]
    SocketIo,
    /// Each frame is the body of a POST, and there is no handshake
    Plain,
}

/// Where a record ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Framing {
    /// At the byte 0x1e. Source: `HubProtocol.md` of ASP.NET Core.
    #[default]
    Separated,
    /// After the length that stands before the record as a varint. Source: as above.
    Counted,
    /// At the end of its frame.
    Whole,
}

/// Reads the length, a varint, at the beginning of `bytes`. Returns where the record starts and where
/// it ends. `None` if the length is not complete yet.
pub(crate) fn counted(bytes: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let mut length = 0_usize;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((index + 1, index + 1 + length)));
        }
    }
    if bytes.len() < 5 {
        return Ok(None);
    }
    Err("the server sent a length of more than 5 bytes".to_owned())
}

impl Dialect {
    /// The framing after the handshake. The records of the handshake itself are always separated.
    pub(crate) fn framing(self) -> Framing {
        match self {
            Self::Json => Framing::Separated,
            Self::MessagePack => Framing::Counted,
            Self::SocketIo | Self::Plain => Framing::Whole,
        }
    }

    /// The first message of a client.
    pub(crate) fn handshake(self) -> Option<&'static [u8]> {
        match self {
            Self::Json => Some(b"{\"protocol\":\"json\",\"version\":1}\x1e"),
            Self::MessagePack => Some(b"{\"protocol\":\"messagepack\",\"version\":1}\x1e"),
            Self::SocketIo => Some(b"40"),
            Self::Plain => None,
        }
    }

    /// The ping of a client. Stock clients send it too, so that the server does not close them.
    pub(crate) fn ping(self) -> Option<&'static [u8]> {
        match self {
            Self::Json => Some(b"{\"type\":6}\x1e"),
            // A length of 2, and an array of one number.
            Self::MessagePack => Some(&[2, 0x91, 6]),
            Self::SocketIo | Self::Plain => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_varints() {
        assert_eq!(counted(&[]), Ok(None));
        assert_eq!(counted(&[0x80]), Ok(None));
        assert_eq!(counted(&[2, 0x91, 6]), Ok(Some((1, 3))));
        assert_eq!(counted(&[0x80, 1]), Ok(Some((2, 130))));
        assert!(counted(&[0xff; 5]).is_err());
    }
}
