//! What the fuzzer calls: each decoder of bytes from outside.

use bytes::Bytes;

use crate::{
    broker::{Frame, Kind},
    carrier::websocket::decode,
    cluster,
    filter::Filter,
    protocol::{Protocol, handshake, message_pack},
    rest,
    transport::relay,
};

/// WebSocket frames, in pieces whose size the first byte gives. Whole or in pieces, the messages
/// are the same.
pub fn websocket_frames(data: &[u8]) {
    let Some((size, bytes)) = data.split_first() else { return };
    let whole = decode(bytes, bytes.len().max(1));
    let pieces = decode(bytes, usize::from(*size).max(1));
    assert_eq!(whole, pieces);
}

/// Messages of the JSON protocol, and the handshake.
pub fn json_messages(data: &[u8]) {
    let _ = handshake::parse(data, true);
    messages(Protocol::Json, data);
}

/// Messages of the MessagePack protocol, and MessagePack as JSON.
pub fn message_pack_messages(data: &[u8]) {
    let _ = message_pack::to_json(data);
    messages(Protocol::MessagePack, data);
}

fn messages(protocol: Protocol, data: &[u8]) {
    let mut rest = data;
    while let Ok(Some((message, after))) = protocol.split(rest) {
        assert!(after.len() < rest.len());
        let _ = protocol.parse(message);
        rest = after;
    }
}

/// Bodies of REST calls: messages, commands, and messages that come encoded.
pub fn rest_bodies(data: &[u8]) {
    rest::decode(&Bytes::copy_from_slice(data));
}

/// Filters of `:execute`.
pub fn filters(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = text.parse::<Filter>();
    }
}

/// Frames of other nodes, and what is in them. A frame that is read is written as it was.
pub fn cluster_frames(data: &[u8]) {
    let Ok(frame) = Frame::decode(Bytes::copy_from_slice(data)) else { return };
    if !matches!(frame.kind, Kind::Unknown(_)) {
        assert_eq!(Frame::decode(frame.encode()).as_ref(), Ok(&frame));
    }
    cluster::decode(frame.body.clone());
    let _ = relay::Request::read(frame.body);
}
