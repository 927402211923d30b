use super::*;

const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

fn rules() -> Rules {
    Rules {
        handshake_timeout: 15,
        keep_alive: 15,
        client_timeout: 30,
        close_timeout: 5,
        max_message: 1000,
        client_messages: ClientMessages::Close,
    }
}

fn open_session() -> Session {
    let mut session = Session::new(0);
    session.receive(HANDSHAKE, 0, &rules());
    session
}

/// Effects in words.
fn said(effects: &[Effect]) -> Vec<String> {
    let words = effects.iter().map(|effect| match effect {
        Effect::Send(bytes) => format!("send {}", std::str::from_utf8(bytes).unwrap()),
        Effect::Completed { invocation_id, outcome: Ok(Some(result)) } => {
            format!("completed {invocation_id} {result}")
        }
        Effect::Open | Effect::Completed { .. } | Effect::End | Effect::Abort => {
            format!("{effect:?}")
        }
    });
    words.collect()
}

fn sent(effects: &[Effect]) -> String {
    let mut text = String::new();
    for effect in effects {
        if let Effect::Send(bytes) = effect {
            text.push_str(std::str::from_utf8(bytes).unwrap());
        }
    }
    text
}

#[test]
fn handshake_opens_the_session() {
    let mut session = Session::new(0);
    let effects = session.receive(HANDSHAKE, 1, &rules());
    assert_eq!(said(&effects), ["send {}\x1e", "Open"]);
}

#[test]
fn a_handshake_may_come_byte_by_byte() {
    let mut session = Session::new(0);
    let (last, first) = HANDSHAKE.split_last().unwrap();
    for byte in first {
        assert!(session.receive(&[*byte], 0, &rules()).is_empty());
    }
    assert_eq!(session.receive(&[*last], 0, &rules()).len(), 2);
}

#[test]
fn messages_behind_the_handshake_are_read() {
    let mut session = Session::new(0);
    let bytes = [HANDSHAKE, b"{\"type\":7}\x1e"].concat();
    assert!(matches!(session.receive(&bytes, 0, &rules()).last(), Some(Effect::End)));
}

#[test]
fn a_bad_handshake_is_answered_and_ends_the_session() {
    let mut session = Session::new(0);
    let effects = session.receive(b"{\"protocol\":\"x\",\"version\":1}\x1e", 0, &rules());
    assert_eq!(sent(&effects), "{\"error\":\"The protocol 'x' is not supported.\"}\x1e");
    assert!(matches!(effects.last(), Some(Effect::End)));
}

#[test]
fn no_handshake_in_time_ends_the_session() {
    let mut session = Session::new(100);
    assert_eq!(session.deadline(&rules()), 115);
    assert!(session.tick(114, &rules()).is_empty());
    let effects = session.tick(115, &rules());
    assert_eq!(sent(&effects), "{\"error\":\"Handshake was canceled.\"}\x1e");
}

#[test]
fn a_ping_is_sent_where_nothing_else_was() {
    let mut session = open_session();
    assert!(session.tick(14, &rules()).is_empty());
    assert_eq!(sent(&session.tick(15, &rules())), "{\"type\":6}\x1e");
    session.sent(15);
    assert_eq!(session.deadline(&rules()), 30);
}

#[test]
fn a_silent_client_is_closed_and_a_pinging_one_is_not() {
    let mut session = open_session();
    session.sent(20);
    session.receive(b"{\"type\":6}\x1e", 20, &rules());
    session.sent(49);
    assert!(session.tick(49, &rules()).is_empty());
    let effects = session.tick(50, &rules());
    assert!(sent(&effects).contains("the client sent nothing for 30 seconds"));
    assert!(matches!(effects.last(), Some(Effect::End)));
}

#[test]
fn a_client_that_does_not_answer_a_close_is_dropped() {
    let mut session = open_session();
    session.close(Some("bye"), true, 10);
    assert!(session.tick(14, &rules()).is_empty());
    assert_eq!(said(&session.tick(15, &rules())), ["Abort"]);
}

#[test]
fn a_blocking_call_gets_an_error_then_the_session_closes() {
    let mut session = open_session();
    let call = b"{\"type\":1,\"invocationId\":\"3\",\"target\":\"t\",\"arguments\":[]}\x1e";
    let effects = session.receive(call, 0, &rules());
    let text = sent(&effects);
    assert!(text.starts_with("{\"type\":3,\"invocationId\":\"3\",\"error\":\"'t' was not called"));
    assert!(text.contains("{\"type\":7,\"error\":"));
    assert!(matches!(effects.last(), Some(Effect::End)));
}

#[test]
fn ignored_client_messages_leave_the_session_open() {
    let mut session = open_session();
    let rules = Rules { client_messages: ClientMessages::Ignore, ..rules() };
    let send = b"{\"type\":1,\"target\":\"t\",\"arguments\":[]}\x1e";
    assert!(session.receive(send, 0, &rules).is_empty());
    let stream = b"{\"type\":4,\"invocationId\":\"3\",\"target\":\"t\",\"arguments\":[]}\x1e";
    assert!(session.receive(stream, 0, &rules).is_empty());
    let call = b"{\"type\":1,\"invocationId\":\"4\",\"target\":\"t\",\"arguments\":[]}\x1e";
    assert!(sent(&session.receive(call, 0, &rules)).starts_with("{\"type\":3"));
    assert_eq!(sent(&session.tick(15, &rules)), "{\"type\":6}\x1e");
}

#[test]
fn what_is_no_message_closes_the_session_with_the_reason() {
    for bytes in [&b"nonsense\x1e"[..], b"\x1e", b"\xff\x1e", &[b'x'; 1001]] {
        let mut session = open_session();
        let effects = session.receive(bytes, 0, &rules());
        assert!(sent(&effects).starts_with("{\"type\":7,\"error\":"), "{bytes:?}");
        assert!(session.receive(HANDSHAKE, 0, &rules()).is_empty());
    }
}

#[test]
fn closing_twice_says_it_once() {
    let mut session = open_session();
    assert_eq!(session.close(None, true, 0).len(), 2);
    assert!(session.close(None, true, 0).is_empty());
    assert!(session.receive(b"{\"type\":6}\x1e", 0, &rules()).is_empty());
}

#[test]
fn a_completion_is_handed_on() {
    let mut session = open_session();
    let completion = b"{\"type\":3,\"invocationId\":\"7\",\"result\":1.0}\x1e";
    assert_eq!(said(&session.receive(completion, 0, &rules())), ["completed 7 1.0"]);
}
