use serde_json::{Value, json};

use super::*;

fn read(protocol: Protocol, mut bytes: &[u8]) -> Message {
    let message = protocol.take(&mut bytes).unwrap().expect("the message is cut");
    assert!(bytes.is_empty());
    message
}

fn arguments(protocol: Protocol, value: &Value) -> Payload {
    Payload::encode(protocol, value).unwrap()
}

#[test]
fn calls_are_the_published_bytes() {
    let call = |protocol, id| {
        let arguments = &arguments(protocol, &json!([42]));
        let call =
            CallMessage { is_stream: false, id, target: "method", arguments, stream_ids: &[] };
        protocol.call(&call)
    };
    let framed = b"\x11\x96\x01\x80\xa3xyz\xa6method\x91\x2a\x90";
    assert_eq!(call(Protocol::MessagePack, Some("xyz")), &framed[..]);
    assert_eq!(
        call(Protocol::Json, None),
        &b"{\"type\":1,\"target\":\"method\",\"arguments\":[42]}\x1e"[..]
    );
}

#[test]
fn both_protocols_say_the_same() {
    for protocol in [Protocol::Json, Protocol::MessagePack] {
        let item = arguments(protocol, &json!({ "a": [1, null, "é"] }));
        match read(protocol, &protocol.item("7", &item)) {
            Message::StreamItem { id, item } => {
                assert_eq!(
                    (id.as_str(), item.to_json().unwrap()),
                    ("7", json!({ "a": [1, null, "é"] }))
                );
            }
            other => panic!("{other:?}"),
        }
        for outcome in [Ok(None), Err("no".to_owned()), Ok(Some(arguments(protocol, &json!(1))))] {
            match read(protocol, &protocol.completion("1", &outcome)) {
                Message::Completion { outcome: read, .. } => {
                    let plain = |outcome: Outcome| {
                        outcome.map(|result| result.map(|result| result.to_json().unwrap()))
                    };
                    assert_eq!(plain(read), plain(outcome));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(read(protocol, &protocol.cancel("1")), Message::Cancel));
        assert!(matches!(read(protocol, &protocol.ping()), Message::Ping));
        assert!(matches!(read(protocol, &protocol.close()), Message::Close { error: None, .. }));
        assert!(matches!(read(protocol, &protocol.ack(300)), Message::Ack(300)));
        assert!(matches!(read(protocol, &protocol.sequence(1)), Message::Sequence(1)));
    }
}

#[test]
fn a_cut_message_waits_and_a_bad_one_is_an_error() {
    for protocol in [Protocol::Json, Protocol::MessagePack] {
        let whole = protocol.ack(70_000);
        for end in 0..whole.len() {
            let mut cut = &whole[..end];
            assert!(protocol.take(&mut cut).unwrap().is_none(), "{protocol:?} {end}");
        }
    }
    for bad in ["{}\x1e", "[]\x1e", "{\"type\":1}\x1e", "{\"type\":2,\"item\":1}\x1e", "\x1e"] {
        assert!(Protocol::Json.take(&mut bad.as_bytes()).is_err(), "{bad}");
    }
    for bad in [&[1, 0xc0][..], &[2, 0x91, 0xc0], &[0xff; 6], &[1, 0xc1], &[3, 0x91, 0x06, 0x06]] {
        assert!(Protocol::MessagePack.take(&mut &bad[..]).is_err(), "{bad:?}");
    }
}

#[test]
fn handshakes_are_answered_with_nothing_or_an_error() {
    let answer = |text: &str| handshake::take_answer(&mut text.as_bytes().to_vec());
    assert!(answer("{").unwrap().is_none());
    assert_eq!(answer("{}\x1e").unwrap(), Some(Ok(())));
    assert_eq!(answer("{\"error\":\"no\"}\x1e").unwrap(), Some(Err("no".to_owned())));
    assert!(answer("<html>\x1e").is_err());
    let mut with_more = b"{}\x1e{\"type\":6}\x1e".to_vec();
    handshake::take_answer(&mut with_more).unwrap();
    assert_eq!(with_more, b"{\"type\":6}\x1e");
}
