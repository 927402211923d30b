//! The file of recorded bytes.

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use signalr_server_protocol::{Message, split};

/// The most bytes of a message in these tests.
pub(crate) const LIMIT: usize = 1024 * 1024;

/// The whole file.
pub(crate) fn file() -> Value {
    serde_json::from_str(include_str!("../server-vectors.json")).unwrap()
}

/// One list of the file.
pub(crate) fn list(name: &str) -> Vec<Value> {
    file()[name].as_array().unwrap().clone()
}

/// The bytes of an entry.
pub(crate) fn bytes(entry: &Value) -> Vec<u8> {
    base16ct::lower::decode_vec(entry["hex"].as_str().unwrap()).unwrap()
}

/// The messages of the file, without their lengths.
pub(crate) fn bodies() -> Vec<Bytes> {
    list("messages").iter().map(|entry| only_message(&bytes(entry))).collect()
}

/// The only message in the bytes, without its length.
pub(crate) fn only_message(bytes: &[u8]) -> Bytes {
    let mut received = BytesMut::from(bytes);
    let message = split(&mut received, LIMIT).unwrap().unwrap();
    assert!(received.is_empty());
    message
}

/// The message with its length.
pub(crate) fn encoded(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out).unwrap();
    out
}
