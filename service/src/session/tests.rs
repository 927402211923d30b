use super::*;

const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

fn rules() -> Rules {
    Rules {
        handshake_timeout: 15,
        keep_alive: 15,
        client_timeout: 30,
        close_timeout: 5,
        reconnect_timeout: 30,
        poll_gap: 15,
        max_message: 1000,
        max_messages_per_second: 100,
        client_messages: ClientMessages::Close,
        silent_clients: SilentClients::Keep,
    }
}

fn budget() -> QueueBudget {
    QueueBudget::new(usize::MAX, std::sync::Arc::default())
}

fn new_session(now: Seconds) -> Session {
    Session::new(Terms { has_pings: true, ..Terms::default() }, &budget(), now)
}

fn open_session() -> Session {
    let mut session = new_session(0);
    session.receive(HANDSHAKE, 0, &rules());
    session
}

/// The effects as texts.
fn said(effects: &[Effect]) -> Vec<String> {
    let words = effects.iter().map(|effect| match effect {
        Effect::OpenApp { .. } => "open app".to_owned(),
        Effect::ToApp(_) => "to app".to_owned(),
        Effect::Send(bytes) | Effect::SendLast(bytes) => {
            format!("send {}", std::str::from_utf8(bytes).unwrap())
        }
        Effect::Completed { invocation_id, outcome: Ok(Some(result)), .. } => {
            format!("completed {invocation_id} {result}")
        }
        Effect::SendNumbered(bytes) => {
            format!("send numbered {}", std::str::from_utf8(bytes).unwrap())
        }
        Effect::Repeat(frames) => format!("repeat {} frames", frames.len()),
        Effect::Call(call) => format!("call {} {:?}", call.target, call.invocation_id),
        Effect::Open | Effect::Completed { .. } | Effect::End | Effect::Abort => {
            format!("{effect:?}")
        }
    });
    words.collect()
}

/// The session's answer to a client's call that nothing answers.
fn refusal(session: &mut Session, message: &[u8], rules: &Rules) -> Vec<Effect> {
    let effects = session.receive(message, 0, rules);
    let [Effect::Call(call)] = effects.as_slice() else { panic!("no call but {effects:?}") };
    session.refuse(call, NotCalled::NoUpstream, 0, rules)
}

fn sent(effects: &[Effect]) -> String {
    let mut text = String::new();
    for effect in effects {
        if let Effect::Send(bytes) | Effect::SendLast(bytes) | Effect::SendNumbered(bytes) = effect
        {
            text.push_str(std::str::from_utf8(bytes).unwrap());
        }
    }
    text
}

#[test]
fn handshake_opens_the_session() {
    let mut session = new_session(0);
    let effects = session.receive(HANDSHAKE, 1, &rules());
    assert_eq!(said(&effects), ["Open", "send {}\x1e"]);
}

#[test]
fn a_handshake_may_come_byte_by_byte() {
    let mut session = new_session(0);
    let (last, first) = HANDSHAKE.split_last().unwrap();
    for byte in first {
        assert!(session.receive(&[*byte], 0, &rules()).is_empty());
    }
    assert_eq!(session.receive(&[*last], 0, &rules()).len(), 2);
}

#[test]
fn messages_behind_the_handshake_are_read() {
    let mut session = new_session(0);
    let bytes = [HANDSHAKE, b"{\"type\":7}\x1e"].concat();
    assert!(matches!(session.receive(&bytes, 0, &rules()).last(), Some(Effect::End)));
}

#[test]
fn a_bad_handshake_is_answered_and_ends_the_session() {
    let mut session = new_session(0);
    let effects = session.receive(b"{\"protocol\":\"x\",\"version\":1}\x1e", 0, &rules());
    assert_eq!(sent(&effects), "{\"error\":\"The protocol 'x' is not supported.\"}\x1e");
    assert!(matches!(effects.last(), Some(Effect::End)));
}

#[test]
fn no_handshake_in_time_ends_the_session() {
    let mut session = new_session(100);
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
    assert!(session.sent(&Bytes::new(), 0, 100, 15));
    assert_eq!(session.deadline(&rules()), 30);
}

#[test]
fn a_silent_client_is_closed_and_a_pinging_one_is_not() {
    let mut session = open_session();
    assert!(session.sent(&Bytes::new(), 0, 100, 20));
    session.receive(b"{\"type\":6}\x1e", 20, &rules());
    assert!(session.sent(&Bytes::new(), 0, 100, 49));
    assert!(session.tick(49, &rules()).is_empty());
    let effects = session.tick(50, &rules());
    assert!(sent(&effects).contains("the client sent nothing for 30 seconds"));
    assert!(matches!(effects.last(), Some(Effect::End)));
}

/// The timer may have read the clock before the client's message arrived.
#[test]
fn a_look_that_is_older_than_the_last_word_closes_nobody() {
    let mut session = new_session(100);
    assert!(session.tick(99, &rules()).is_empty());
    session.receive(HANDSHAKE, 101, &rules());
    assert!(session.tick(100, &rules()).is_empty());
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
    let effects = refusal(&mut session, call, &rules());
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
    assert!(refusal(&mut session, send, &rules).is_empty());
    let stream = b"{\"type\":4,\"invocationId\":\"3\",\"target\":\"t\",\"arguments\":[]}\x1e";
    assert!(refusal(&mut session, stream, &rules).is_empty());
    let call = b"{\"type\":1,\"invocationId\":\"4\",\"target\":\"t\",\"arguments\":[]}\x1e";
    assert!(sent(&refusal(&mut session, call, &rules)).starts_with("{\"type\":3"));
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

#[test]
fn a_cut_message_is_not_searched_again_and_again() {
    let mut session = open_session();
    let before = session.searched.get();
    for _ in 0..900 {
        assert!(session.receive(b" ", 0, &rules()).is_empty());
    }
    assert!(session.receive(b"{\"type\":6}\x1e", 0, &rules()).is_empty());
    assert!(session.has_pinged, "the message is whole");
    // Once for its first piece, once when its end has arrived, once after it.
    assert_eq!(session.searched.get() - before, 1 + 911);
}

#[test]
fn message_pack_messages_may_be_cut_too() {
    let mut session = new_session(0);
    session.receive(b"{\"protocol\":\"messagepack\",\"version\":1}\x1e", 0, &rules());
    let bytes = b"\x0b\x95\x03\x80\xa3xyz\x03\x92\xff\xc0\x02\x91\x06";
    let mut effects = Vec::new();
    for byte in bytes {
        effects.extend(said(&session.receive(&[*byte], 0, &rules())));
    }
    assert_eq!(effects, ["completed xyz [-1,null]"]);
}

#[test]
fn a_client_that_sends_without_end_is_closed() {
    let ping = b"{\"type\":6}\x1e";
    let mut session = open_session();
    for second in 1..4 {
        for _ in 0..100 {
            assert!(session.receive(ping, second, &rules()).is_empty());
        }
    }
    let effects = said(&session.receive(ping, 3, &rules()));
    assert!(effects[0].contains("more than 100 messages a second"), "{effects:?}");
    assert_eq!(effects[1], "End");
    let mut session = open_session();
    let effects = said(&session.receive(&ping.repeat(101), 1, &rules()));
    assert!(effects[0].contains("more than 100 messages a second"), "{effects:?}");
}

#[test]
fn a_session_ends_with_the_clients_login() {
    let terms = Terms { expires: Some(10), has_pings: true, ..Terms::default() };
    let mut session = Session::new(terms, &budget(), 0);
    session.receive(HANDSHAKE, 0, &rules());
    assert_eq!(session.deadline(&rules()), 10);
    let text = sent(&session.tick(10, &rules()));
    assert!(
        text.contains("the client's login has ended") && text.contains("\"allowReconnect\":true")
    );
}

#[test]
fn a_token_may_shorten_the_handshake_and_ask_for_details() {
    let terms = Terms { handshake_timeout: Some(3), detailed_errors: true, ..Terms::default() };
    let mut session = Session::new(terms, &budget(), 0);
    assert_eq!(session.deadline(&rules()), 3);
    assert!(sent(&session.receive(b"{}\x1e", 0, &rules())).contains("missing field"));
}

#[test]
fn without_pings_silence_is_no_end() {
    let mut session = Session::new(Terms::default(), &budget(), 0);
    session.receive(HANDSHAKE, 0, &rules());
    assert_eq!(session.deadline(&rules()), Seconds::MAX);
    assert!(session.tick(1000, &rules()).is_empty());
}

fn stateful_session() -> Session {
    let terms = Terms { is_stateful: true, has_pings: true, ..Terms::default() };
    let mut session = Session::new(terms, &budget(), 0);
    session.receive(b"{\"protocol\":\"json\",\"version\":2}\x1e", 0, &rules());
    session
}

#[test]
fn a_stateful_session_outlives_its_transport_for_a_while() {
    let mut session = stateful_session();
    assert!(session.transport_broke(10));
    assert_eq!(session.deadline(&rules()), 40);
    assert!(session.tick(39, &rules()).is_empty());
    assert_eq!(said(&session.tick(40, &rules())), ["Abort"]);
    assert!(!open_session().transport_broke(10));
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed() {
    let mut session = stateful_session();
    for text in ["one", "two"] {
        assert!(session.sent(&Bytes::from_static(text.as_bytes()), 1, 100, 0));
    }
    session.receive(b"{\"type\":8,\"sequenceId\":1}\x1e", 0, &rules());
    session.transport_broke(1);
    let resumed = said(&session.resume(2));
    assert_eq!(resumed, ["send {\"type\":9,\"sequenceId\":2}\x1e", "repeat 1 frames"]);
    let completion = b"{\"type\":3,\"invocationId\":\"7\",\"result\":1}\x1e";
    assert!(session.receive(completion, 2, &rules()).is_empty(), "before its sequence");
    let with_sequence = [&b"{\"type\":9,\"sequenceId\":1}\x1e"[..], completion].concat();
    let effects = said(&session.receive(&with_sequence, 2, &rules()));
    assert_eq!(effects, ["completed 7 1", "send {\"type\":8,\"sequenceId\":1}\x1e"]);
}

#[test]
fn a_client_that_is_there_makes_room_and_one_that_is_away_does_not() {
    let mut session = stateful_session();
    let frame = Bytes::from_static(b"123456");
    assert!(session.sent(&frame, 1, 10, 0) && session.sent(&frame, 1, 10, 0));
    session.transport_broke(1);
    assert!(!session.sent(&frame, 1, 10, 1));
    let resumed = said(&session.resume(2));
    assert_eq!(resumed, ["send {\"type\":9,\"sequenceId\":2}\x1e", "repeat 2 frames"]);
}

#[test]
fn a_sequence_with_a_gap_closes_the_session() {
    let mut session = stateful_session();
    session.transport_broke(1);
    session.resume(2);
    let effects = session.receive(b"{\"type\":9,\"sequenceId\":5}\x1e", 2, &rules());
    assert!(sent(&effects).contains("leaves a gap"));
}

#[test]
fn a_message_pack_client_is_closed_in_its_own_protocol() {
    let mut session = new_session(0);
    session.receive(b"{\"protocol\":\"messagepack\",\"version\":1}\x1e", 0, &rules());
    let effects = session.close(Some("xyz"), true, 0);
    let [Effect::SendLast(close), Effect::End] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(close, b"\x07\x93\x07\xa3xyz\xc3");
    assert_eq!(session.protocol(), Protocol::MessagePack);
}
