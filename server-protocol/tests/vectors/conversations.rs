//! The recorded conversations: every message of both sides can be read and is written to the same
//! bytes. Only items that SDKs of other versions leave out are added.

use bytes::BytesMut;
use signalr_server_protocol::{Message, decode, split};

use crate::record::{LIMIT, bytes, encoded, file};

#[test]
fn each_message_of_the_conversations_reads_and_is_written_to_its_bytes() {
    for (name, conversation) in file()["conversation"].as_object().unwrap() {
        let messages = conversation["messages"].as_array().unwrap();
        let sent: Vec<_> = messages.iter().filter(|entry| !entry["hex"].is_null()).collect();
        assert!(sent.len() > 20, "{name} has {} messages", sent.len());
        for entry in sent {
            let bytes = bytes(entry);
            let mut received = BytesMut::from(&bytes[..]);
            let message = decode(split(&mut received, LIMIT).unwrap().unwrap()).unwrap().unwrap();
            assert_eq!(message.name(), entry["type"], "{name} {entry}");
            let items = entry["decoded"].as_array().unwrap().len();
            if items == items_written(&message) {
                assert_eq!(encoded(&message), bytes, "{name} {entry}");
            } else {
                assert_eq!(decode(encoded_body(&message)).unwrap(), Some(message), "{entry}");
            }
        }
    }
}

fn encoded_body(message: &Message) -> bytes::Bytes {
    crate::record::only_message(&encoded(message))
}

/// How many items the array of a message has as we write it.
fn items_written(message: &Message) -> usize {
    usize::from(encoded_body(message)[0] & 0x0f)
}
