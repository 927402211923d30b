//! Each recorded message: read to its fields, and written to its bytes.

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use signalr_server_protocol::{ConnectionClaims, FrameError, GroupMembers, Message, decode, split};

use crate::{
    fields::{fields, in_plain_form},
    record::{LIMIT, bytes, encoded, list, only_message},
};

/// How many types of messages there are.
const TYPES: usize = 43;

#[test]
fn each_message_reads_to_its_fields_and_is_written_to_its_bytes() {
    let mut types = BTreeSet::new();
    for entry in list("messages") {
        let name = format!("{} {}", entry["type"], entry["name"]);
        let message = decode(only_message(&bytes(&entry))).unwrap().expect(&name);
        assert_eq!(format!("{}Message", message.name()), entry["type"], "{name}");
        check_fields(&name, &message, &entry["fields"]);
        assert_eq!(encoded(&message), bytes(&entry), "{name}");
        types.insert(message.name());
    }
    assert_eq!(types.len(), TYPES, "{types:?}");
}

#[test]
fn what_microsofts_library_writes_after_reading_reads_the_same_but_for_nil() {
    let again: Vec<Value> =
        list("messages").into_iter().filter(|entry| !entry["read_back_as"].is_null()).collect();
    assert!(!again.is_empty());
    for entry in again {
        let message = decode(only_message(&bytes(&json!({ "hex": entry["read_back_as"] }))));
        check_fields("read back", &message.unwrap().unwrap(), &entry["fields"]);
    }
}

#[test]
fn what_is_tolerated_reads_as_recorded_and_the_rest_fails() {
    for entry in list("tolerated") {
        let name = entry["name"].as_str().unwrap();
        let mut received = BytesMut::from(&bytes(&entry)[..]);
        let result = split(&mut received, LIMIT);
        match entry["result"].as_str().unwrap() {
            "incomplete" => assert_eq!(result, Ok(None), "{name}"),
            "ignored" => assert_eq!(decode(result.unwrap().unwrap()), Ok(None), "{name}"),
            thrown if thrown.starts_with("throws FormatException") => {
                assert_eq!(result, Err(FrameError::NotALength), "{name}");
            }
            thrown if thrown.starts_with("throws ") => {
                let error = decode(result.unwrap().unwrap()).expect_err(name);
                assert!(error.to_string().len() > 20, "{name}: {error}");
            }
            r#type => {
                let message = decode(result.unwrap().unwrap()).expect(name).expect(name);
                assert_eq!(format!("{}Message", message.name()), r#type, "{name}");
                check_fields(name, &message, &entry["fields"]);
            }
        }
    }
}

#[test]
fn errors_say_which_message_and_item_and_what_came() {
    let error = |name: &str| {
        let tolerated = list("tolerated");
        let entry = tolerated.iter().find(|entry| entry["name"] == name).unwrap();
        decode(only_message(&bytes(entry))).unwrap_err().to_string()
    };
    for (name, text) in [
        ("open connection, claims nil", "OpenConnection: claims should be a map, but nil came"),
        (
            "close connection of two items",
            "CloseConnection: error is missing: the array ends before it",
        ),
        ("ping with a number", "Ping: texts should be text, but an integer came"),
        (
            "flow control, operation unknown",
            "ConnectionFlowControl: operation is 9, which this version does not know",
        ),
        ("length zero", "a message: the whole is cut: the message ends within it"),
        ("not an array", "a message: the whole should be an array, but nil came"),
    ] {
        assert_eq!(error(name), text);
    }
}

#[test]
fn payloads_of_acks_read_and_are_written_to_their_bytes() {
    for entry in list("ack_payloads") {
        let payload = Bytes::from(bytes(&entry));
        let kind = entry["name"].as_str().unwrap().split(':').next().unwrap();
        let (read, written) = match kind {
            "GroupMemberQueryResponse" => {
                let page = GroupMembers::decode(payload.clone()).unwrap();
                let members = page.members.iter();
                let members: Vec<_> =
                    members.map(|member| json!([member.connection_id, member.user_id])).collect();
                (json!([members, page.continuation]), page.encode())
            }
            "ConnectionClaimsResponse" => {
                let claims = ConnectionClaims::decode(payload.clone()).unwrap();
                let map = claims.0.as_ref().map(|claims| json!({ "map": claims.0 }));
                (json!(map), claims.encode())
            }
            other => panic!("a payload of an ack that this test does not know: {other}"),
        };
        assert_eq!(read, entry["decoded"]);
        assert_eq!(written, payload);
    }
}

fn check_fields(name: &str, message: &Message, recorded: &Value) {
    let ours = fields(message);
    for (field, value) in recorded.as_object().unwrap() {
        let ours = ours.get(field).unwrap_or_else(|| panic!("{name} has no {field}"));
        assert_eq!(*ours, in_plain_form(field, value), "{name}: {field}");
    }
}
