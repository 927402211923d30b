//! Values at the bounds of MessagePack's forms come back as they were.

use bytes::Bytes;
use signalr_server_protocol::{
    Ack, AckStatus, Claims, Extensions, Headers, Message, MultiConnectionData, OpenConnection,
    Payloads, Ping, RefreshAuth, Secret, Timestamp, decode,
};

use crate::record::{encoded, only_message};

/// Lengths on both sides of each bound between forms.
const LENGTHS: [usize; 9] = [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536];

fn comes_back(message: impl Into<Message>) {
    let message = message.into();
    let again = decode(only_message(&encoded(&message))).unwrap();
    assert!(again == Some(message), "a message that changed");
}

#[test]
fn texts_and_bytes_of_any_length_come_back() {
    for length in LENGTHS {
        let text = "ä".repeat(length / 2) + &"x".repeat(length % 2);
        assert_eq!(text.len(), length);
        comes_back(OpenConnection {
            connection_id: text.clone(),
            claims: Claims(vec![(text.clone(), text.clone()), (text.clone(), String::new())]),
            headers: Headers(vec![(text.clone(), vec![text.clone()])]),
            query: text.clone(),
            extensions: Extensions {
                protocol: Some(text.clone()),
                filter: Some(text),
                ..Extensions::default()
            },
        });
        comes_back(Ack {
            ack_id: 1,
            status: AckStatus::Ok,
            message: String::new(),
            extensions: Extensions::default(),
            payload: Some(Bytes::from(vec![0xc1; length])),
        });
    }
}

#[test]
fn lists_of_any_length_come_back() {
    for length in LENGTHS {
        let texts: Vec<String> = (0..length).map(|n| n.to_string()).collect();
        let payload = Bytes::from_static(b"\x00");
        let payloads = texts.iter().take(300).map(|name| (name.clone(), payload.clone()));
        comes_back(MultiConnectionData {
            connection_ids: texts.clone(),
            payloads: Payloads(payloads.collect()),
            extensions: Extensions::default(),
        });
        comes_back(Ping { texts: texts.into_iter().map(Some).collect() });
    }
}

#[test]
fn numbers_at_their_bounds_come_back() {
    for number in [0, 1, 127, 128, 255, 256, 65_535, 65_536, i32::MAX, -1, -32, -33, i32::MIN] {
        comes_back(Ack {
            ack_id: number,
            status: AckStatus::Other(if (1..=5).contains(&number) { 6 } else { number }),
            message: String::new(),
            extensions: Extensions {
                tracing_id: Some(u64::MAX),
                ttl: Some(number),
                ..Extensions::default()
            },
            payload: None,
        });
    }
}

#[test]
fn moments_come_back() {
    for seconds in [0, u32::MAX.into(), 1 << 32, (1 << 34) - 1, 1 << 34, -1, i64::MIN, i64::MAX] {
        for nanoseconds in [0, 1, 999_999_999] {
            comes_back(RefreshAuth {
                connection_token: Secret("token".to_owned()),
                claims: Claims::default(),
                expires: Timestamp { seconds, nanoseconds },
                ack_id: 1,
                extensions: Extensions::default(),
            });
        }
    }
}
