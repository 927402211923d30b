//! WebSocket frames from a client. They are read from pieces of any size.
//!
//! A complete frame in the read buffer is unmasked and passed on in place. Memory is held only
//! while a frame or a fragmented message is incomplete. Source: RFC 6455, sections 5 and 7.

use std::io::Cursor;

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

/// One input from a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input<'a> {
    /// A complete message with its fragments joined: a text, or binary.
    Text(&'a [u8]),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Close,
}

/// The reason why the stream cannot continue, for the close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) code: CloseCode,
    pub(crate) reason: &'static str,
}

const fn protocol(reason: &'static str) -> Violation {
    Violation { code: CloseCode::Protocol, reason }
}

const NOT_UTF8: Violation = Violation { code: CloseCode::Invalid, reason: "a text is not UTF-8" };
const TOO_BIG: Violation = Violation { code: CloseCode::Size, reason: "a message is too big" };

/// Decodes the frames of one connection.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// `None` while nothing is incomplete. This is the usual case.
    carry: Option<Box<Carry>>,
}

#[derive(Debug, Default)]
struct Carry {
    /// An incomplete frame.
    frame: Vec<u8>,
    /// The fragments of a message. The last fragment has not arrived yet.
    fragments: Option<Fragments>,
}

#[derive(Debug)]
struct Fragments {
    is_text: bool,
    payload: Vec<u8>,
}

impl Decoder {
    /// How much memory the incomplete frame and message use.
    pub(crate) fn partial(&self) -> usize {
        self.carry.as_ref().map_or(0, |carry| {
            let fragments = carry.fragments.as_ref().map_or(0, |one| one.payload.capacity());
            carry.frame.capacity().saturating_add(fragments)
        })
    }

    /// Takes the next bytes and calls `on_input` for each complete input in them. `on_input`
    /// returns whether to continue. `data` is also used as working memory.
    pub(crate) fn feed(
        &mut self,
        data: &mut [u8],
        max_message: usize,
        mut on_input: impl FnMut(Input<'_>) -> bool,
    ) -> Result<(), Violation> {
        let mut carry = self.carry.take();
        let cut_frame = carry.as_mut().map(|carry| std::mem::take(&mut carry.frame));
        let mut fragments = carry.and_then(|carry| carry.fragments);
        let rest = match cut_frame {
            Some(mut frame) if !frame.is_empty() => {
                frame.extend_from_slice(data);
                let used = decode(&mut frame, &mut fragments, max_message, &mut on_input)?;
                frame.drain(..used);
                frame
            }
            _ => {
                let used = decode(data, &mut fragments, max_message, &mut on_input)?;
                data[used..].to_vec()
            }
        };
        if !rest.is_empty() || fragments.is_some() {
            self.carry = Some(Box::new(Carry { frame: rest, fragments }));
        }
        Ok(())
    }
}

/// Decodes the complete frames in `data` and returns how many bytes they took.
fn decode(
    data: &mut [u8],
    fragments: &mut Option<Fragments>,
    max_message: usize,
    on_input: &mut impl FnMut(Input<'_>) -> bool,
) -> Result<usize, Violation> {
    let mut used = 0;
    loop {
        let mut cursor = Cursor::new(&data[used..]);
        let header = FrameHeader::parse(&mut cursor)
            .map_err(|_| protocol("a frame has an unknown opcode"))?;
        let Some((header, length)) = header else { return Ok(used) };
        let start = used + usize::try_from(cursor.position()).map_err(|_| TOO_BIG)?;
        check(&header, length)?;
        let length = usize::try_from(length).map_err(|_| TOO_BIG)?;
        let before = fragments.as_ref().map_or(0, |fragments| fragments.payload.len());
        if length > max_message.saturating_sub(before) {
            return Err(TOO_BIG);
        }
        let Some(payload) = data.get_mut(start..start + length) else { return Ok(used) };
        unmask(payload, header.mask);
        used = start + length;
        if !take(&header, payload, fragments, on_input)? {
            return Ok(data.len());
        }
    }
}

fn check(header: &FrameHeader, length: u64) -> Result<(), Violation> {
    if header.rsv1 || header.rsv2 || header.rsv3 {
        return Err(protocol("a frame has a reserved bit set"));
    }
    if header.mask.is_none() {
        return Err(protocol("a frame from a client is not masked"));
    }
    if matches!(header.opcode, OpCode::Control(_)) && (length > 125 || !header.is_final) {
        return Err(protocol("a control frame is fragmented or too long"));
    }
    Ok(())
}

fn unmask(payload: &mut [u8], mask: Option<[u8; 4]>) {
    let mask = mask.unwrap_or_default();
    for chunk in payload.chunks_mut(4) {
        for (byte, key) in chunk.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
}

/// Passes one frame on. Returns whether to continue.
fn take(
    header: &FrameHeader,
    payload: &[u8],
    fragments: &mut Option<Fragments>,
    on_input: &mut impl FnMut(Input<'_>) -> bool,
) -> Result<bool, Violation> {
    match header.opcode {
        OpCode::Control(Control::Ping) => Ok(on_input(Input::Ping(payload))),
        OpCode::Control(Control::Close) => {
            check_close(payload)?;
            on_input(Input::Close);
            Ok(false)
        }
        OpCode::Control(_) => Ok(true),
        OpCode::Data(Data::Continue) => {
            let Some(message) = fragments else {
                return Err(protocol("a fragment continues no message"));
            };
            message.payload.extend_from_slice(payload);
            if !header.is_final {
                return Ok(true);
            }
            let Some(message) = fragments.take() else { return Ok(true) };
            hand_on(&message.payload, message.is_text, on_input)
        }
        OpCode::Data(_) if fragments.is_some() => {
            Err(protocol("a message begins before the last one ended"))
        }
        OpCode::Data(data) => {
            let is_text = data == Data::Text;
            if header.is_final {
                return hand_on(payload, is_text, on_input);
            }
            *fragments = Some(Fragments { is_text, payload: payload.to_vec() });
            Ok(true)
        }
    }
}

fn hand_on(
    payload: &[u8],
    is_text: bool,
    on_input: &mut impl FnMut(Input<'_>) -> bool,
) -> Result<bool, Violation> {
    if !is_text {
        return Ok(on_input(Input::Binary(payload)));
    }
    if std::str::from_utf8(payload).is_err() {
        return Err(NOT_UTF8);
    }
    Ok(on_input(Input::Text(payload)))
}

fn check_close(payload: &[u8]) -> Result<(), Violation> {
    match payload {
        [] => Ok(()),
        [_] => Err(protocol("a close frame has half a code")),
        [high, low, reason @ ..] => {
            if !CloseCode::from(u16::from_be_bytes([*high, *low])).is_allowed() {
                return Err(protocol("a close frame has a code that may not be sent"));
            }
            std::str::from_utf8(reason).map(|_| ()).map_err(|_| NOT_UTF8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: u8 = 0x81;
    const MAX: usize = 100_000;

    /// A masked client frame with the given first byte.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut bytes = vec![first];
        match payload.len() {
            length @ 0..=125 => bytes.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        bytes
    }

    /// The inputs that a decoder reads from `bytes` in pieces of `size`.
    fn inputs(bytes: &[u8], size: usize) -> Result<Vec<String>, Violation> {
        let mut decoder = Decoder::default();
        let mut inputs = Vec::new();
        for piece in bytes.chunks(size) {
            decoder.feed(&mut piece.to_vec(), MAX, |input| {
                inputs.push(match input {
                    Input::Text(bytes) | Input::Binary(bytes) => {
                        format!("message {}", String::from_utf8_lossy(bytes))
                    }
                    Input::Ping(bytes) => format!("ping {}", String::from_utf8_lossy(bytes)),
                    Input::Close => "close".to_owned(),
                });
                true
            })?;
        }
        assert!(decoder.carry.is_none(), "memory is held although nothing is cut");
        Ok(inputs)
    }

    #[test]
    fn pieces_of_any_size_give_the_same_messages() {
        let long = "x".repeat(70_000);
        let mut bytes = frame(TEXT, b"one");
        bytes.extend(frame(0x01, "tw".as_bytes()));
        bytes.extend(frame(0x89, b"in between"));
        bytes.extend(frame(0x80, "ö".as_bytes()));
        bytes.extend(frame(0x82, long.as_bytes()));
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x88, b"\x03\xe8bye"));
        let expected =
            ["message one", "ping in between", "message twö", &format!("message {long}"), "close"];
        for size in [bytes.len(), 1, 3, 7, 4096] {
            assert_eq!(inputs(&bytes, size).unwrap(), expected, "pieces of {size}");
        }
    }

    #[test]
    fn a_character_may_be_cut_between_fragments_but_not_broken() {
        let bytes = [frame(0x01, b"\xc3"), frame(0x80, b"\xb6")].concat();
        assert_eq!(inputs(&bytes, 1000).unwrap(), ["message ö"]);
        assert_eq!(inputs(&frame(TEXT, b"\xc3"), 1000).unwrap_err(), NOT_UTF8);
        assert_eq!(inputs(&frame(0x88, b"\x03\xe8\xc3"), 1000).unwrap_err(), NOT_UTF8);
    }

    #[test]
    fn violations_are_found() {
        let mut unmasked = frame(TEXT, b"a");
        unmasked[1] &= 0x7f;
        let cases: [(&str, Vec<u8>); 9] = [
            ("reserved bit", frame(TEXT | 0x40, b"a")),
            ("reserved opcode", frame(0x83, b"a")),
            ("unmasked", unmasked),
            ("long ping", frame(0x89, &[0; 126])),
            ("fragmented ping", frame(0x09, b"a")),
            ("continues nothing", frame(0x80, b"a")),
            ("message within a message", [frame(0x01, b"a"), frame(TEXT, b"b")].concat()),
            ("half a close code", frame(0x88, b"\x03")),
            ("forbidden close code", frame(0x88, &1005_u16.to_be_bytes())),
        ];
        for (name, bytes) in cases {
            assert_eq!(inputs(&bytes, 1000).unwrap_err().code, CloseCode::Protocol, "{name}");
        }
    }

    #[test]
    fn a_big_message_is_refused_by_its_header() {
        let whole = frame(0x82, &vec![0; MAX + 1]);
        assert_eq!(inputs(&whole[..14], 1000).unwrap_err(), TOO_BIG);
        let huge = [&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
        assert_eq!(inputs(&huge, 1000).unwrap_err(), TOO_BIG);
        let half = vec![0; MAX / 2 + 1];
        let fragments = [frame(0x02, &half), frame(0x80, &half)].concat();
        assert_eq!(inputs(&fragments, 1 << 20).unwrap_err(), TOO_BIG);
    }

    #[test]
    fn nothing_is_read_behind_a_close() {
        let bytes = [frame(0x88, b""), frame(TEXT, b"late")].concat();
        assert_eq!(inputs(&bytes, 1000).unwrap(), ["close"]);
    }
}
