//! Bytes that are not a message, or a nonsensical message.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use signalr_server_protocol::{
    ConnectionClaims, ConnectionKind, GroupMembers, HandshakeRequest, Message, decode, split,
};

use crate::record::{LIMIT, bodies, bytes, encoded, list, only_message};

#[test]
fn no_beginning_of_a_message_is_a_message() {
    for entry in list("messages") {
        let whole = bytes(&entry);
        for length in 0..whole.len() {
            let mut received = BytesMut::from(&whole[..length]);
            assert_eq!(split(&mut received, LIMIT), Ok(None));
            assert_eq!(received, whole[..length], "what is not whole stays");
        }
    }
    for body in bodies() {
        for length in 0..body.len() {
            let cut = body.slice(..length);
            assert!(decode(cut.clone()).is_err(), "{cut:?} of {body:?}");
        }
    }
}

#[test]
fn no_beginning_of_an_acks_payload_is_one() {
    for entry in list("ack_payloads") {
        let whole = Bytes::from(bytes(&entry));
        for length in 0..whole.len() {
            let cut = whole.slice(..length);
            if entry["name"].as_str().unwrap().starts_with("GroupMember") {
                assert!(GroupMembers::decode(cut).is_err());
            } else {
                assert!(ConnectionClaims::decode(cut).is_err());
            }
        }
    }
}

/// Without a check each of these would make room for four thousand million items.
#[test]
fn lists_that_announce_more_than_comes_are_refused() {
    let lying: [&[u8]; 9] = [
        b"\xdd\xff\xff\xff\xff\x03",
        b"\x94\x07\xdd\xff\xff\xff\xff",
        b"\x94\x0a\x90\xdf\xff\xff\xff\xff",
        b"\x96\x04\xa1c\xdf\xff\xff\xff\xff",
        b"\x96\x04\xa1c\x80\xdf\xff\xff\xff\xff",
        b"\x96\x04\xa1c\x80\x81\xa1h\xdd\xff\xff\xff\xff",
        b"\x94\x06\xa1c\xc6\xff\xff\xff\xff",
        b"\x94\x06\xdb\xff\xff\xff\xff",
        b"\x94\x06\xa1c\xc4\x00\xdf\xff\xff\xff\xff",
    ];
    for message in lying {
        let error = decode(Bytes::from_static(message)).unwrap_err();
        assert!(error.to_string().contains("is cut"), "{message:?}: {error}");
    }
    assert!(GroupMembers::decode(Bytes::from_static(b"\x92\xdd\xff\xff\xff\xff")).is_err());
    assert!(ConnectionClaims::decode(Bytes::from_static(b"\xdf\xff\xff\xff\xff")).is_err());
}

/// An extension with an unknown key, with a value of each kind of MessagePack.
#[test]
fn values_of_any_kind_are_passed_over() {
    let values: [&[u8]; 20] = [
        b"\xc0",
        b"\xc3",
        b"\x07",
        b"\xff",
        b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
        b"\xca\x00\x00\x00\x00",
        b"\xcb\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xa1x",
        b"\xd9\x01\xff",
        b"\xc4\x02\x00\x00",
        b"\x92\xa1x\x91\xc0",
        b"\xdc\x00\x01\xc0",
        b"\x81\xa1x\x80",
        b"\xde\x00\x01\xc0\xc0",
        b"\xd4\x05\x00",
        b"\xd6\xff\x00\x00\x00\x00",
        b"\xd8\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xc7\x03\x05\x00\x00\x00",
        b"\xc9\x00\x00\x00\x01\x05\x00",
    ];
    for value in values {
        let message = |value: &[u8]| {
            let parts = [b"\x94\x06\xa1c\xc4\x00\x82\x63", value, b"\x01\x07"];
            decode(Bytes::from(parts.concat()))
        };
        let Some(Message::ConnectionData(data)) = message(value).unwrap() else { panic!() };
        assert_eq!(data.extensions.tracing_id, Some(7), "{value:?}");
        for length in 0..value.len() {
            let cut = [b"\x94\x06\xa1c\xc4\x00\x81\x63", &value[..length]].concat();
            assert!(decode(Bytes::from(cut)).is_err(), "{length} of {value:?}");
        }
    }
    let reserved = Bytes::from_static(b"\x94\x06\xa1c\xc4\x00\x81\x63\xc1");
    assert!(decode(reserved).unwrap_err().to_string().contains("the reserved byte"));
}

#[test]
fn values_of_any_depth_are_passed_over() {
    let mut message = b"\x94\x06\xa1c\xc4\x00\x81\x63".to_vec();
    message.extend(vec![0x91; 1_000_000]);
    assert!(decode(Bytes::from(message.clone())).unwrap_err().to_string().contains("is cut"));
    message.push(0xc0);
    assert!(decode(Bytes::from(message)).unwrap().is_some());
}

#[test]
fn numbers_beyond_their_range_are_refused() {
    for (message, item) in [
        (&b"\x95\x12\xa1c\xa1g\xce\x80\x00\x00\x00\x80"[..], "ack_id"),
        (b"\x95\x12\xa1c\xa1g\xca\x00\x00\x00\x00\x80", "ack_id"),
        (b"\x91\xff", "number"),
        (b"\x96\x29\xa1t\x80\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x00\x01\x80", "expires"),
        (b"\x96\x29\xa1t\x80\xd4\x05\x00\x01\x80", "expires"),
    ] {
        let error = decode(Bytes::from_static(message)).unwrap_err();
        assert!(error.to_string().contains(item), "{error}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused_and_not_shown() {
    let error = decode(Bytes::from_static(b"\x94\x1c\xa2\xff\xfe\xc0\x80")).unwrap_err();
    assert_eq!(error.to_string(), "AccessKeyRequest: token is text that is not UTF-8");
}

#[test]
fn of_a_handshake_from_the_future_the_version_is_read() {
    let future = Bytes::from_static(b"\x93\x01\x02\xa5later");
    let Some(Message::HandshakeRequest(request)) = decode(future).unwrap() else { panic!() };
    assert_eq!(
        request,
        HandshakeRequest { version: 2, ..HandshakeRequest::new(ConnectionKind::Default) }
    );
    let unknown_kind = decode(Bytes::from_static(b"\x97\x01\x01\x09\xa0\x00\x80\xc2"));
    let text = "HandshakeRequest: kind is 9, which this version does not know";
    assert_eq!(unknown_kind.unwrap_err().to_string(), text);
}

#[test]
fn items_of_later_versions_are_passed_over() {
    for body in bodies() {
        let known = decode(body.clone()).unwrap().unwrap();
        // A ping has any number of texts, so nothing can be appended to it.
        if matches!(known, Message::Ping(_)) {
            continue;
        }
        let mut longer = body.to_vec();
        assert_eq!(longer[0] & 0xf0, 0x90);
        longer[0] += 1;
        longer.extend(b"\x81\xa5later\x93\xc0\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01");
        assert_eq!(decode(Bytes::from(longer)).unwrap(), Some(known));
    }
}

#[test]
fn no_secret_is_shown() {
    for body in bodies() {
        let message = decode(body).unwrap().unwrap();
        let shown = format!("{message:?}");
        match &message {
            Message::AccessKeyRequest(_) => assert!(!shown.contains("\"token\""), "{shown}"),
            Message::AccessKeyResponse(_) => assert!(!shown.contains("\"key\""), "{shown}"),
            Message::RefreshAuth(_) | Message::GetConnectionClaims(_) => {
                assert!(!shown.contains("token1"), "{shown}");
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut received = BytesMut::from(&bytes[..]);
        while let Ok(Some(message)) = split(&mut received, LIMIT) {
            let _ = decode(message);
        }
        let _ = GroupMembers::decode(Bytes::from(bytes.clone()));
        let _ = ConnectionClaims::decode(Bytes::from(bytes));
    }

    /// Changes some bytes of recorded messages. Messages that can still be read are written so that
    /// they are read the same again.
    #[test]
    fn what_reads_is_written_so_that_it_reads_the_same(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let bodies = bodies();
        let mut body = which.get(&bodies).to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Ok(Some(message)) = decode(Bytes::from(body)) {
            prop_assert_eq!(decode(only_message(&encoded(&message))).unwrap(), Some(message));
        }
    }
}
