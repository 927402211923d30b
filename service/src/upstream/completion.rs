//! Makes the client's completion from an upstream's answer.

use bytes::Bytes;
use rmpv::{ValueRef, decode::read_value_ref_with_max_depth};
use serde::Deserialize;
use serde_json::value::RawValue;
use signalr_serverless::upstream::{COMPLETION, Encoding};

use super::{call::Failure, event::Answer};
use crate::protocol::Protocol;

/// The completion of an invocation, framed. The texts of failures are the same as in asrs-emulator.
pub(super) fn of(outcome: Result<Bytes, Failure>, answer: &Answer) -> Bytes {
    let problem = match outcome {
        Ok(body) => match of_body(body, answer) {
            Ok(completion) => return completion,
            Err(problem) => problem.to_owned(),
        },
        Err(Failure::Status(status)) => format!("status code {}", status.as_u16()),
        Err(Failure::Unanswered(_) | Failure::TooSlow(_)) => "status code 500".to_owned(),
        Err(Failure::TooLarge | Failure::NoRoom) => "response too large.".to_owned(),
        Err(Failure::Cancelled(_)) => "response cancelled.".to_owned(),
    };
    let problem = format!("Invocation failed, {problem}");
    answer.protocol.completion(&answer.invocation_id, Some(&problem)).into()
}

/// Reads a body: a completion, framed or not, or a bare result in the client's protocol.
fn of_body(body: Bytes, answer: &Answer) -> Result<Bytes, &'static str> {
    const OTHER: &str = "the upstream answered another invocation.";

    let Answer { invocation_id, protocol } = answer;
    if body.is_empty() {
        return Ok(protocol.completion(invocation_id, None).into());
    }
    if let Ok(Some((message, []))) = protocol.split(&body)
        && let Some(id) = completed(*protocol, message)
    {
        return if id == *invocation_id { Ok(body.clone()) } else { Err(OTHER) };
    }
    match completed(*protocol, &body) {
        Some(id) if id == *invocation_id => Ok(encoding(*protocol).framed(&body).into()),
        Some(_) => Err(OTHER),
        None => result(*protocol, invocation_id, &body),
    }
}

/// The invocation that a message completes, if it is a completion. Its result is not parsed, so
/// that it may have any form that the client knows.
fn completed(protocol: Protocol, message: &[u8]) -> Option<String> {
    match protocol {
        Protocol::Json => {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Head {
                r#type: u8,
                invocation_id: String,
            }
            let head: Head = serde_json::from_str(str::from_utf8(message).ok()?).ok()?;
            (head.r#type == COMPLETION).then_some(head.invocation_id)
        }
        Protocol::MessagePack
        | Protocol::BlazorPack
        | Protocol::OtherText
        | Protocol::OtherBinary => match message_pack_value(message)? {
            ValueRef::Array(fields) => match fields.as_slice() {
                [r#type, ValueRef::Map(_), ValueRef::String(id), _kind, ..]
                    if *r#type == ValueRef::from(COMPLETION) =>
                {
                    id.as_str().map(str::to_owned)
                }
                _ => None,
            },
            _ => None,
        },
    }
}

/// Makes a completion with the whole body as its result.
fn result(protocol: Protocol, invocation_id: &str, body: &[u8]) -> Result<Bytes, &'static str> {
    let result = match protocol {
        Protocol::Json => {
            let result: &RawValue =
                serde_json::from_slice(body).map_err(|_| "the answer is not JSON.")?;
            result.get().as_bytes()
        }
        Protocol::MessagePack
        | Protocol::BlazorPack
        | Protocol::OtherText
        | Protocol::OtherBinary => {
            message_pack_value(body).ok_or("the answer is not MessagePack.")?;
            body
        }
    };
    Ok(encoding(protocol).completion_with_result(invocation_id, result).into())
}

/// The value, if the bytes are exactly one value.
fn message_pack_value(mut bytes: &[u8]) -> Option<ValueRef<'_>> {
    const MAX_DEPTH: usize = 256;
    let value = read_value_ref_with_max_depth(&mut bytes, MAX_DEPTH).ok()?;
    bytes.is_empty().then_some(value)
}

/// The encoding of a client's protocol.
pub(super) fn encoding(protocol: Protocol) -> Encoding {
    match protocol {
        Protocol::Json => Encoding::Json,
        // Clients with other protocols never call an upstream.
        Protocol::MessagePack
        | Protocol::BlazorPack
        | Protocol::OtherText
        | Protocol::OtherBinary => Encoding::MessagePack,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn completion(protocol: Protocol, body: &[u8]) -> Vec<u8> {
        let answer = Answer { invocation_id: "7".to_owned(), protocol };
        of(Ok(Bytes::copy_from_slice(body)), &answer).to_vec()
    }

    fn json(body: &str) -> String {
        String::from_utf8(completion(Protocol::Json, body.as_bytes())).unwrap()
    }

    #[test]
    fn a_completion_in_json_is_passed_on_to_the_letter() {
        for framed in [
            "{\"type\":3,\"invocationId\":\"7\",\"result\":12345678901234567890.0}\u{1e}",
            "{ \"result\":{\"type\":1},\"invocationId\":\"7\",\"type\":3 }\u{1e}",
            "{\"type\":3,\"invocationId\":\"7\",\"result\":null,\"error\":\"no\"}\u{1e}",
        ] {
            assert_eq!(json(framed), framed);
            assert_eq!(json(framed.trim_end_matches('\u{1e}')), framed);
        }
    }

    #[test]
    fn a_bare_result_in_json_is_made_a_completion() {
        for result in ["42", "null", "\"x\"", "[1.0, 2]", "{\"type\":1}", "{\"type\":3}"] {
            let expected =
                format!("{{\"type\":3,\"invocationId\":\"7\",\"result\":{result}}}\u{1e}");
            assert_eq!(json(result), expected);
        }
        assert_eq!(json(""), "{\"type\":3,\"invocationId\":\"7\"}\u{1e}");
    }

    #[test]
    fn a_body_that_makes_no_sense_becomes_an_error() {
        for (body, problem) in [
            (&b"hello"[..], "the answer is not JSON."),
            (b"42\x1e", "the answer is not JSON."),
            (b"\x1e", "the answer is not JSON."),
            (b"{\"type\":3,\"invocationId\":\"7\"}\x1e{}\x1e", "the answer is not JSON."),
            (
                b"{\"type\":3,\"invocationId\":\"7\",\"result\":\"\xff\"}\x1e",
                "the answer is not JSON.",
            ),
            (b"\"\xff\"", "the answer is not JSON."),
            (b"{\"type\":3,\"invocationId\":\"8\"}", "the upstream answered another invocation."),
            (
                b"{\"type\":3,\"invocationId\":\"8\"}\x1e",
                "the upstream answered another invocation.",
            ),
        ] {
            let completion = String::from_utf8(completion(Protocol::Json, body)).unwrap();
            assert_eq!(
                completion,
                format!(
                    "{{\"type\":3,\"invocationId\":\"7\",\"error\":\"Invocation failed, {problem}\"}}\u{1e}"
                ),
                "{body:?}"
            );
        }
    }

    #[test]
    fn completions_in_message_pack_pass_whatever_their_result_is() {
        for message in [
            &b"\x95\x03\x80\xa17\x03\x2a"[..],
            b"\x95\x03\x81\xa1a\xa1b\xa17\x03\xd6\xff\x00\x00\x00\x01",
            b"\x94\x03\x80\xa17\x02",
            b"\x95\x03\x80\xa17\x01\xa2no",
        ] {
            let framed = [&[message.len() as u8], message].concat();
            assert_eq!(completion(Protocol::MessagePack, message), framed);
            assert_eq!(completion(Protocol::MessagePack, &framed), framed);
        }
    }

    #[test]
    fn a_bare_value_in_message_pack_is_made_a_completion() {
        let completion = |body: &[u8]| completion(Protocol::MessagePack, body);
        assert_eq!(completion(b"\x2a"), b"\x07\x95\x03\x80\xa17\x03\x2a");
        assert_eq!(completion(b""), b"\x06\x94\x03\x80\xa17\x02");
        let long = [&b"\xc5\x01\x00"[..], &[1; 256]].concat();
        let expected = [&b"\x89\x02\x95\x03\x80\xa17\x03"[..], &long].concat();
        assert_eq!(completion(&long), expected);
        for bad in [&b"\x2a\x2a"[..], b"\x95\x03\x80", b"\xdd\xff\xff\xff\xff"] {
            let text = String::from_utf8_lossy(&completion(bad)).into_owned();
            assert!(text.contains("Invocation failed, the answer is not MessagePack."), "{bad:?}");
        }
    }

    #[test]
    fn a_status_is_told() {
        for protocol in [Protocol::Json, Protocol::MessagePack] {
            let answer = Answer { invocation_id: "7".to_owned(), protocol };
            let failure = Failure::Status(StatusCode::NOT_FOUND);
            let expected = protocol.completion("7", Some("Invocation failed, status code 404"));
            assert_eq!(of(Err(failure), &answer), expected);
        }
    }
}
