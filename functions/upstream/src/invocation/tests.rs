use std::fmt::Debug;

use super::*;

/// The same arguments in both encodings.
fn both(json: &str) -> [Arguments; 2] {
    let raw = RawValue::from_string(json.to_owned()).unwrap();
    let message_pack = serde_json::from_str::<Value>(json).unwrap();
    [Arguments::Json(raw), Arguments::MessagePack(message_pack)]
}

#[test]
fn arguments_are_read_as_the_types_of_the_method() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Point {
        x: f64,
        label: Option<String>,
    }
    fn check<A: DeserializeOwned + PartialEq + Debug>(json: &str, expected: &A) {
        for arguments in both(json) {
            assert_eq!(&arguments.read::<A>().unwrap(), expected, "{json}");
        }
    }
    check("[]", &());
    check("[ ]", &());
    check("[]", &Vec::<i32>::new());
    check("[7]", &(7_u8,));
    check("[7]", &(7_f64,));
    check("[\"a\",-9223372036854775808]", &("a".to_owned(), i64::MIN));
    check("[18446744073709551615]", &(u64::MAX,));
    check("[{\"x\":1,\"y\":2},null]", &(Point { x: 1.0, label: None }, None::<bool>));
    check("[[1,2],[]]", &vec![vec![1, 2], vec![]]);
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    fn refused<A: DeserializeOwned + Debug>(json: &str) -> [String; 2] {
        both(json).map(|arguments| arguments.read::<A>().unwrap_err())
    }
    for json in ["[]", "[1,2]", "[\"1\"]", "[null]", "[1.5]", "[-1]", "[[1]]"] {
        for error in refused::<(u8,)>(json) {
            assert!(!error.is_empty(), "{json}");
        }
    }
    assert_eq!(refused::<(u8,)>("[1,2]")[0], "there are too many");
    assert!(refused::<(u8,)>("[\"1\"]")[0].contains("invalid type: string \"1\", expected u8"));
    for json in ["[1]", "[null]"] {
        refused::<()>(json);
    }
}

#[test]
fn invocations_in_json_are_read() {
    let parse = |body: &str| Invocation::parse(Encoding::Json, body.as_bytes());
    let blocking = parse(r#"{"arguments":[42],"target":"m","type":1,"invocationId":"0","x":0}"#);
    let blocking = blocking.unwrap();
    assert_eq!((blocking.id.as_deref(), blocking.target.as_str()), (Some("0"), "m"));
    assert_eq!(blocking.arguments.read::<(u8,)>().unwrap(), (42,));
    assert_eq!(parse(r#"{"type":1,"target":"m","arguments":[]}"#).unwrap().id, None);
}

/// The published vectors.
#[test]
fn invocations_in_message_pack_are_read() {
    let parse = |body: &[u8]| Invocation::parse(Encoding::MessagePack, body).unwrap();
    let blocking = parse(b"\x96\x01\x80\xa3xyz\xa6method\x91\x2a\x90");
    assert_eq!((blocking.id.as_deref(), blocking.target.as_str()), (Some("xyz"), "method"));
    assert_eq!(blocking.arguments.read::<(u8,)>().unwrap(), (42,));
    assert_eq!(parse(b"\x96\x01\x80\xc0\xa6method\x91\x2a\x90").id, None);
    assert_eq!(parse(b"\x95\x01\x80\xc0\xa6method\x90").target, "method");
}

#[test]
fn what_is_no_invocation_is_refused() {
    let deep = format!(r#"{{"type":1,"target":"m","arguments":{}"#, "[".repeat(100_000));
    for body in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"type":3,"target":"m","arguments":[]}"#,
        r#"{"type":4,"target":"m","arguments":[],"invocationId":"1"}"#,
        r#"{"type":1,"arguments":[]}"#,
        r#"{"type":1,"target":"m"}"#,
        r#"{"type":1,"target":"m","arguments":{}}"#,
        r#"{"type":1,"target":7,"arguments":[]}"#,
        "{\"type\":1,\"target\":\"m\",\"arguments\":[]}\u{1e}",
        &deep,
    ] {
        let short = &body[..body.len().min(60)];
        assert!(Invocation::parse(Encoding::Json, body.as_bytes()).is_err(), "{short}");
    }
    let invalid = b"{\"type\":1,\"target\":\"m\",\"arguments\":[\"\xff\"]}";
    assert!(Invocation::parse(Encoding::Json, invalid).is_err());
    for body in [
        &b""[..],
        b"\x2a",
        b"\x90",
        b"\x96\x03\x80\xc0\xa6method\x90\x90",
        b"\x96\x01\x80\x01\xa6method\x90\x90",
        b"\x96\x01\x80\xc0\x01\x90\x90",
        b"\x96\x01\x80\xc0\xa1\xff\x90\x90",
        b"\x96\x01\x80\xc0\xa6method\x80\x90",
        b"\x94\x01\x80\xc0\xa6method",
        b"\x95\x01\x80\xc0\xa6method\x90\x00",
        b"\x0c\x95\x01\x80\xc0\xa6method\x90",
        b"\xdd\xff\xff\xff\xff",
        &[0x91; 100_000],
    ] {
        let short = &body[..body.len().min(20)];
        assert!(Invocation::parse(Encoding::MessagePack, body).is_err(), "{short:?}");
    }
}
