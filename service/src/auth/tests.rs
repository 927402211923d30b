use signalr_serverless::{AccessKey, NegotiateOptions, Token};

use super::*;
use crate::query::Query;

const HOSTS: [&str; 1] = ["localhost:8888"];
const AUDIENCE: &str = "http://localhost:8888/client/?hub=chat";

fn key(text: &str) -> AccessKey {
    AccessKey::parse(text).unwrap()
}

fn keys(all: &[&str]) -> KeyRing {
    let all: Vec<_> = all.iter().map(|text| key(text)).collect();
    KeyRing::new(&all).unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn sign(claims: &Value, secret: &str) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

/// The answer of a service with the keys `one` and `two` to a client's token at second 1,000.
fn verify(token: &str) -> Result<Option<String>, String> {
    let verifier = Verifier::new(keys(&["one", "two"]), false);
    let hub = HubName::parse("chat").unwrap();
    let verified = verifier.verify_client(token, &HOSTS, &hub, at(1000), TokenUse::Again);
    let in_time = verified.and_then(|client| match client.expired {
        Some(late) => Err(AuthError::Expired(late)),
        None => Ok(client.user),
    });
    in_time.map(|user| user.map(|id| id.to_string())).map_err(|error| error.to_string())
}

#[test]
fn the_sdks_token_is_good_with_either_key() {
    for secret in ["one", "two"] {
        let options = NegotiateOptions::default().with_user_id(UserId::parse("ann").unwrap());
        let token = Token::client(&key(secret), AUDIENCE, &options, at(1000)).unwrap();
        assert_eq!(verify(token.as_str()), Ok(Some("ann".to_owned())));
    }
}

#[test]
fn the_user_is_the_first_of_three_claims() {
    let token = |mut claims: Value| {
        claims["exp"] = Value::from(2000);
        claims["aud"] = serde_json::json!(["other", AUDIENCE]);
        sign(&claims, "one")
    };
    let all = serde_json::json!({ "sub": "s", "nameid": "n", "asrs.s.uid": "u" });
    assert_eq!(verify(&token(all)), Ok(Some("u".to_owned())));
    let two = serde_json::json!({ "sub": "s", "nameid": "n" });
    assert_eq!(verify(&token(two)), Ok(Some("n".to_owned())));
    assert_eq!(verify(&token(serde_json::json!({ "sub": "s" }))), Ok(Some("s".to_owned())));
    assert_eq!(verify(&token(serde_json::json!({ "sub": "" }))), Ok(None));
    let long = serde_json::json!({ "sub": "s".repeat(1025) });
    assert!(verify(&token(long)).unwrap_err().contains("longer than 1024"));
}

#[test]
fn a_token_may_be_signed_with_the_longer_hash_and_no_other() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header};

    let claims = serde_json::json!({ "exp": 2000, "aud": AUDIENCE, "sub": ["ann"] });
    let sign = |algorithm| {
        let key = EncodingKey::from_secret(b"two");
        jsonwebtoken::encode(&Header::new(algorithm), &claims, &key).unwrap()
    };
    assert_eq!(verify(&sign(Algorithm::HS512)), Ok(Some("ann".to_owned())));
    assert!(verify(&sign(Algorithm::HS384)).unwrap_err().contains("HS256 or HS512"));
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let good = serde_json::json!({ "exp": 2000, "aud": AUDIENCE });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(&claims, "one")
    };
    let unsigned = {
        let signed = sign(&good, "one");
        let (rest, _) = signed.rsplit_once('.').unwrap();
        format!("{rest}.")
    };
    for (token, text) in [
        (sign(&good, "three"), "signed with another key"),
        (unsigned, "signed with another key"),
        ("nonsense".to_owned(), "not a JSON Web Token"),
        ("eyJhbGciOiJub25lIn0.e30.".to_owned(), "not a JSON Web Token"),
        (with("exp", Value::Null), "no expiry"),
        (with("exp", Value::from("2000")), "no expiry"),
        (with("exp", Value::from(990)), "expired 10 seconds ago"),
        (with("exp", Value::from(1000)), "expired 0 seconds ago"),
        (with("nbf", Value::from(1031)), "not valid yet: 'nbf' is 31 seconds ahead"),
        (
            with("aud", Value::Null),
            "expected http(s)://localhost:8888/client/?hub=chat, but came none",
        ),
        (with("aud", Value::from("http://x/")), "but came http://x/"),
        (
            with("aud", Value::from("https://x.net:444/client/?hub=chat")),
            "if this service is known as x.net:444, start it with --host x.net:444",
        ),
    ] {
        let error = verify(&token).unwrap_err();
        assert!(error.contains(text), "'{error}' does not say '{text}'");
    }
    assert_eq!(verify(&with("nbf", Value::from(1030))), Ok(None));
}

#[tokio::test]
async fn a_client_cannot_call_nor_a_caller_connect() {
    let verifier = Verifier::new(keys(&["one"]), false);
    let query = Query::default();
    let path = "/api/v1/hubs/chat";
    let call = Call { hosts: HOSTS.to_vec(), path, query: &query };
    let rest = Token::rest(
        &key("one"),
        "http://localhost:8888/api/v1/hubs/chat",
        Duration::from_secs(60),
        at(1000),
    );
    let rest = rest.unwrap();
    assert!(verifier.verify_call(rest.as_str(), &call, at(1000)).await.is_ok());
    assert!(verify(rest.as_str()).unwrap_err().contains("audience"));
    let client = sign(&serde_json::json!({ "exp": 2000, "aud": AUDIENCE }), "one");
    let error = verifier.verify_call(&client, &call, at(1000)).await.unwrap_err();
    assert!(error.to_string().contains("audience"));
}

#[tokio::test]
async fn leniency_is_never_between_clients_and_callers() {
    let verifier = Verifier::new(keys(&["one"]), true);
    let hub = HubName::parse("chat").unwrap();
    let (query, path) = (Query::default(), "/api/v1/hubs/chat");
    let call = Call { hosts: HOSTS.to_vec(), path, query: &query };
    let token = |audience: &str| sign(&serde_json::json!({ "aud": audience }), "one");
    let client = token("https://elsewhere/client/?hub=chat");
    let rest = token("https://elsewhere/api/v1/hubs/chat");
    assert!(verifier.verify_client(&client, &HOSTS, &hub, at(1000), TokenUse::Again).is_ok());
    assert!(verifier.verify_call(&rest, &call, at(1000)).await.is_ok());
    let error = verifier.verify_call(&client, &call, at(1000)).await.unwrap_err();
    assert!(matches!(error, AuthError::WrongAudience { .. }), "{error}");
    let error = verifier.verify_client(&rest, &HOSTS, &hub, at(1000), TokenUse::Again).unwrap_err();
    assert!(matches!(error, AuthError::WrongAudience { .. }), "{error}");
    // A token without claims is from neither of them.
    let open = sign(&serde_json::json!({}), "one");
    assert!(verifier.verify_call(&open, &call, at(1000)).await.is_err());
    assert!(verifier.verify_client(&open, &HOSTS, &hub, at(1000), TokenUse::Again).is_err());
}

#[test]
fn leniency_leaves_the_signature() {
    let verifier = Verifier::new(keys(&["one"]), true);
    let hub = HubName::parse("chat").unwrap();
    let old = sign(&serde_json::json!({ "exp": 1, "nameid": "ann", "aud": AUDIENCE }), "one");
    let user = verifier.verify_client(&old, &[], &hub, at(1000), TokenUse::Again).unwrap();
    assert_eq!(user.user.unwrap().as_str(), "ann");
    let forged = sign(&serde_json::json!({ "exp": 1, "aud": AUDIENCE }), "other");
    assert!(verifier.verify_client(&forged, &[], &hub, at(1000), TokenUse::Again).is_err());
}

#[test]
fn a_challenge_is_one_plain_line() {
    let challenge = challenge("bad \"quotes\"\r\nX-Evil: ö");
    assert_eq!(
        challenge,
        "Bearer error=\"invalid_token\", error_description=\"bad 'quotes'''X-Evil: '\""
    );
}

#[tokio::test]
async fn the_key_for_client_tokens_signs_nothing_else() {
    let keys = keys(&["one"]);
    let client_key = keys.current().client.current(at(1000));
    let verifier = Verifier::new(keys, false);
    let hub = HubName::parse("chat").unwrap();
    let client = sign(&serde_json::json!({ "exp": 2000, "aud": AUDIENCE }), &client_key.secret);
    assert!(verifier.verify_client(&client, &HOSTS, &hub, at(1000), TokenUse::Again).is_ok());
    let audience = "http://localhost:8888/api/v1/hubs/chat";
    let rest = sign(&serde_json::json!({ "exp": 2000, "aud": audience }), &client_key.secret);
    let query = Query::default();
    let call = Call { hosts: HOSTS.to_vec(), path: "/api/v1/hubs/chat", query: &query };
    assert!(matches!(verifier.verify_call(&rest, &call, at(1000)).await, Err(AuthError::WrongKey)));
}

#[tokio::test]
async fn keys_change_while_the_service_runs() {
    let keys = keys(&["one"]);
    let verifier = Verifier::new(keys.clone(), false);
    let hub = HubName::parse("chat").unwrap();
    let is_good = |secret: &str| {
        let options = NegotiateOptions::default();
        let token = Token::client(&key(secret), AUDIENCE, &options, at(1000)).unwrap();
        verifier.verify_client(token.as_str(), &HOSTS, &hub, at(1000), TokenUse::Again).is_ok()
    };
    assert!(is_good("one") && !is_good("two"));
    let (change, changes) = tokio::sync::watch::channel(Vec::new());
    change.send_replace(vec![key("two")]);
    change.send_replace(Vec::new());
    drop(change);
    keys.clone().follow(changes).await;
    assert!(is_good("one"), "an empty list changes nothing");
    let (change, changes) = tokio::sync::watch::channel(Vec::new());
    let follow = keys.follow(changes);
    change.send_replace(vec![key("two")]);
    drop(change);
    follow.await;
    assert!(!is_good("one") && is_good("two"));
}

#[tokio::test]
async fn a_token_that_was_good_is_checked_against_its_times_its_use_and_the_keys_again() {
    let ring = keys(&["one"]);
    let verifier = Verifier::new(ring.clone(), false);
    let hub = HubName::parse("chat").unwrap();
    let token = sign(&serde_json::json!({ "exp": 2000, "nbf": 1000, "aud": AUDIENCE }), "one");
    let client =
        |hub: &HubName, now| verifier.verify_client(&token, &HOSTS, hub, at(now), TokenUse::Again);
    for _ in 0..2 {
        assert!(client(&hub, 1500).unwrap().expired.is_none());
        assert!(client(&hub, 2001).unwrap().expired.is_some());
        assert!(matches!(client(&hub, 100), Err(AuthError::NotYetValid(_))));
        let other = HubName::parse("other").unwrap();
        assert!(matches!(client(&other, 1500), Err(AuthError::WrongAudience { .. })));
    }
    let query = Query::default();
    let call = Call { hosts: HOSTS.to_vec(), path: "/api/v1/hubs/chat", query: &query };
    let called = verifier.verify_call(&token, &call, at(1500)).await;
    assert!(matches!(called, Err(AuthError::WrongAudience { .. })));
    let (changes, changed) = tokio::sync::watch::channel(Vec::new());
    changes.send(vec![key("two")]).unwrap();
    drop(changes);
    ring.follow(changed).await;
    assert!(matches!(client(&hub, 1500), Err(AuthError::WrongKey)));
}
