use std::{collections::HashSet, time::UNIX_EPOCH};

use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Map, Value, json};

use super::{payload::LAST_SECOND, *};
use crate::name::UserId;

const AUDIENCE: &str = "http://localhost:8888/client/?hub=chat";

fn key() -> AccessKey {
    AccessKey::parse("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH").unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The payload, after the signature was checked with the key.
fn payload(token: &Token) -> Map<String, Value> {
    let mut checks = Validation::new(Algorithm::HS256);
    checks.validate_aud = false;
    checks.validate_exp = false;
    checks.required_spec_claims = HashSet::new();
    let key = DecodingKey::from_secret(key().as_bytes());
    jsonwebtoken::decode(token.as_str(), &key, &checks).unwrap().claims
}

fn client(options: &NegotiateOptions) -> Result<Token, Error> {
    Token::client(&key(), AUDIENCE, options, at(1000))
}

#[test]
fn anonymous_clients_get_the_four_standard_claims() {
    let token = client(&NegotiateOptions::default()).unwrap();
    let expected = json!({"nbf": 1000, "exp": 4600, "iat": 1000, "aud": AUDIENCE});
    assert_eq!(Value::Object(payload(&token)), expected);
    let header = jsonwebtoken::decode_header(token.as_str()).unwrap();
    assert_eq!(header, Header::new(Algorithm::HS256));
    assert_eq!((header.typ.as_deref(), header.kid), (Some("JWT"), None));
}

#[test]
fn every_option_becomes_its_claim() {
    let options = NegotiateOptions::default()
        .with_user_id(UserId::parse("ann").unwrap())
        .with_claims([("role".to_owned(), json!("a"))])
        .with_claim("role", "b")
        .with_claim("exp", 7)
        .with_lifetime(Duration::from_secs(60))
        .with_authentication_type("Cookies")
        .with_name_claim_type("name")
        .with_role_claim_type("roles")
        .with_diagnostic_client(true)
        .with_detailed_errors(true)
        .with_close_on_expiry(true)
        .with_handshake_timeout(Duration::from_secs(30))
        .with_max_poll_interval(Duration::from_secs(5));
    let expected = json!({
        "role": ["a", "b"], "asrs.u.exp": 7, "asrs.s.uid": "ann", "asrs.s.aut": "Cookies",
        "asrs.s.nt": "name", "asrs.s.rt": "roles", "asrs.s.dc": "true", "asrs.s.derror": "True",
        "asrs.s.cht": "30", "asrs.s.ttl": "5", "asrs.s.coae": "true", "asrs.s.aeo": "1060",
        "nbf": 1000, "exp": 1060, "iat": 1000, "aud": AUDIENCE,
    });
    assert_eq!(Value::Object(payload(&client(&options).unwrap())), expected);
}

#[test]
fn the_users_claims_are_written_first() {
    let claims = [("z".into(), json!(1)), ("a".into(), json!(2)), ("nbf".into(), json!(3))];
    let text = serde_json::to_string(&Payload(claims.into())).unwrap();
    assert_eq!(text, r#"{"z":1,"a":2,"nbf":3}"#);
}

#[test]
fn defaults_need_no_claim() {
    let options = NegotiateOptions::default()
        .with_authentication_type("Bearer")
        .with_handshake_timeout(Duration::from_secs(15));
    assert_eq!(payload(&client(&options).unwrap()).len(), 4);
}

#[test]
fn values_out_of_range_are_named() {
    let options = NegotiateOptions::default;
    let seconds = Duration::from_secs;
    for (what, bad) in [
        ("token lifetime", options().with_lifetime(Duration::ZERO)),
        ("token lifetime", options().with_lifetime(Duration::from_millis(999))),
        ("token lifetime", options().with_lifetime(Duration::MAX)),
        ("token lifetime", options().with_lifetime(seconds(LAST_SECOND))),
        ("handshake timeout", options().with_handshake_timeout(seconds(0))),
        ("handshake timeout", options().with_handshake_timeout(seconds(31))),
        ("handshake timeout", options().with_handshake_timeout(Duration::from_millis(1500))),
        ("longest poll", options().with_max_poll_interval(seconds(0))),
        ("longest poll", options().with_max_poll_interval(seconds(301))),
        ("claim name", options().with_claim("asrs.s.uid", "root")),
    ] {
        let error = client(&bad).unwrap_err();
        assert!(error.to_string().starts_with(what), "{error}");
    }
}

#[test]
fn a_clock_before_1970_is_an_error() {
    let now = UNIX_EPOCH - Duration::from_secs(1);
    let error = Token::rest(&key(), AUDIENCE, Duration::from_secs(60), now).unwrap_err();
    assert_eq!(
        error.to_string(),
        "token lifetime begins before 1970; use whole seconds, at least 1, that end before the year 10000"
    );
}

#[test]
fn tokens_of_4096_characters_are_the_longest() {
    let sized =
        |claim: usize| client(&NegotiateOptions::default().with_claim("c", "x".repeat(claim)));
    let longest = (0..4096).rev().find_map(|claim| Some((claim, sized(claim).ok()?))).unwrap();
    assert_eq!(longest.1.as_str().len(), 4096);
    match sized(longest.0 + 1) {
        Err(error @ Error::TokenTooLong { size }) => {
            assert!(size > 4096);
            assert!(error.to_string().contains(&size.to_string()), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn rest_tokens_carry_audience_and_validity() {
    let audience = "http://localhost/api/v1/hubs/chat";
    let token = Token::rest(&key(), audience, Duration::from_secs(3600), at(5)).unwrap();
    let expected = json!({"nbf": 5, "exp": 3605, "iat": 5, "aud": audience});
    assert_eq!(Value::Object(payload(&token)), expected);
}

#[test]
fn debug_hides_the_token() {
    let token = client(&NegotiateOptions::default()).unwrap();
    assert_eq!(format!("{token:?}"), "Token(<redacted>)");
    assert_eq!(serde_json::to_value(&token).unwrap(), json!(token.as_str()));
}
