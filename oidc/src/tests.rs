//! Tokens of an issuer on this machine, good ones and every kind of bad one.

mod issuer;

use std::{
    sync::atomic::Ordering,
    time::{Duration, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use self::issuer::{Signer, TestIssuer};
use super::*;

const NOW: u64 = 2_000_000_000;

/// How many seconds a document may take.
const LIMIT: u64 = 5;

/// A time after every pause, even if a fetch took long on a busy machine.
const LATER: u64 = NOW + 60;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

async fn check(verifier: &Verifier, token: &str) -> Result<String, Rejection> {
    verifier.check(token, at(NOW)).await.map(|claims| claims["sub"].as_str().unwrap().to_owned())
}

async fn rejected(verifier: &Verifier, token: &str) -> String {
    match check(verifier, token).await {
        Err(Rejection::Token(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_good_token_names_the_user_and_the_keys_are_fetched_once() {
    let (ed, ec) = (Signer::ed("ed"), Signer::ec("ec"));
    let issuer = TestIssuer::start(&[json!({ "kty": "new" }), ed.jwk(), ec.jwk()]).await;
    let verifier = issuer.verifier();
    for (signer, claims) in [
        (&ed, issuer.claims()),
        (&ec, issuer.claims()),
        (&ed, issuer.with("aud", json!(["other", "news"]))),
        (&ed, issuer.with("exp", json!(NOW - 29))),
        (&ed, issuer.with("nbf", json!(NOW + 29))),
        (&ed, issuer.with("iat", Value::Null)),
    ] {
        assert_eq!(check(&verifier, &signer.sign(&claims)).await.unwrap(), "ann", "{claims}");
    }
    // If only one key fits, the token does not have to name it.
    assert!(check(&verifier, &ec.sign_as(None, &issuer.claims())).await.is_ok());
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_claim_that_is_wrong_or_missing_is_told() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    for (name, value, part) in [
        ("iss", json!("https://evil.test"), r#"issuer must be '"#),
        ("iss", json!([issuer.url]), "issuer must be"),
        ("iss", Value::Null, "none came"),
        ("aud", json!("other"), r#"audience must be 'chat' or 'news'; "other" came"#),
        ("aud", json!(["other", 7]), "audience must be"),
        ("aud", json!({ "chat": true }), "audience must be"),
        ("aud", Value::Null, "none came"),
        ("exp", json!(NOW - 30), "has expired"),
        ("exp", Value::Null, "no 'exp'"),
        ("exp", json!("2100-01-01"), "'exp' is not a number"),
        ("nbf", json!(NOW + 31), "from the future by its 'nbf'"),
        ("nbf", json!("now"), "'nbf' is not a number"),
        ("iat", json!(NOW + 31), "from the future by its 'iat'"),
    ] {
        let problem = rejected(&verifier, &signer.sign(&issuer.with(name, value))).await;
        assert!(problem.contains(part), "{name}: {problem}");
    }
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (signer, stranger) = (Signer::ec("k"), Signer::ec("k"));
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    let claims = issuer.claims();
    let good = signer.sign(&claims);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let payload = signed.split_once('.').unwrap().1;
    let none = |header: &str| format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header));
    // The public key as the secret of a MAC.
    let public = signer.jwk()["x"].as_str().unwrap().to_owned();
    let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::HS256) };
    let confused = encode(&header, &claims, &EncodingKey::from_secret(public.as_bytes())).unwrap();

    for (token, part) in [
        (stranger.sign(&claims), "signature is not the issuer's"),
        (format!("{signed}."), "signature"),
        (format!("{signed}.{}", &signature[2..]), "signature"),
        (none(r#"{"alg":"none","kid":"k"}"#), "not a JWT"),
        (none(r#"{"alg":"None","kid":"k"}"#), "not a JWT"),
        (none(r#"{"kid":"k"}"#), "not a JWT"),
        (none(r#"{"alg":"ES256","kid":"k"}"#), "signature"),
        (none(r#"{"alg":"ES384","kid":"k"}"#), "does not sign with ES384"),
        (none(r#"{"alg":"ES256","kid":"k","crit":["b64"],"b64":false}"#), "'crit'"),
        (confused, "HS256, which proves nothing here"),
        (String::new(), "not a JWT"),
        ("a.b".to_owned(), "not a JWT"),
        ("a.b.c".to_owned(), "not a JWT"),
        (format!("{good}.x"), "not a JWT"),
        ("x".repeat(token::MAX_TOKEN + 1), "at most 8192"),
    ] {
        let problem = rejected(&verifier, &token).await;
        assert!(problem.contains(part), "{problem}");
        assert!(token.len() < 20 || !problem.contains(&token), "{problem}");
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_and_made_up_ones_cost_one_fetch_in_a_while() {
    let (old, new) = (Signer::ed("old"), Signer::ed("new"));
    let issuer = TestIssuer::start(&[old.jwk()]).await;
    let verifier = issuer.verifier();
    let claims = issuer.with("exp", json!(NOW + 10_000));
    assert!(check(&verifier, &old.sign(&claims)).await.is_ok());
    issuer.publish(&[new.jwk()]);

    for id in ["made up", "made up too", "new"] {
        let problem = rejected(&verifier, &new.sign_as(Some(id), &claims)).await;
        assert!(problem.contains("not one of the issuer's"), "{problem}");
    }
    assert_eq!(issuer.fetches(), 2);
    let later = verifier.check(&new.sign(&claims), at(LATER)).await;
    assert_eq!(later.unwrap()["sub"], "ann");
    assert_eq!(issuer.fetches(), 4);
    // The fetch removed the old key.
    assert!(matches!(
        verifier.check(&old.sign(&claims), at(LATER + 1)).await,
        Err(Rejection::Token(_))
    ));
}

#[tokio::test]
async fn keys_grow_old_but_outlast_an_issuer_that_is_down() {
    const HOUR: u64 = 3600;
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    let token = signer.sign(&issuer.with("exp", json!(NOW + 100 * HOUR)));
    assert!(verifier.check(&token, at(NOW)).await.is_ok());
    assert!(verifier.check(&token, at(NOW + HOUR - 1)).await.is_ok());
    assert_eq!(issuer.fetches(), 2);
    assert!(verifier.check(&token, at(NOW + HOUR)).await.is_ok());
    assert_eq!(issuer.fetches(), 4);

    *issuer.discovery.lock().unwrap() = json!("down");
    assert!(verifier.check(&token, at(NOW + 24 * HOUR)).await.is_ok());
    let Err(Rejection::Keys(problem)) = verifier.check(&token, at(NOW + 26 * HOUR)).await else {
        panic!("keys of yesterday are used");
    };
    assert!(problem.contains("cannot be read"), "{problem}");
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_fetch() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    let token = signer.sign(&issuer.claims());
    let callers = (0..20).map(|_| {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { check(&verifier, &token).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert!(caller.await.unwrap().is_ok());
    }
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn documents_that_cannot_be_trusted_are_not() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let token = signer.sign(&issuer.claims());
    let keys = format!("{}/keys", issuer.url);
    for (discovery, part) in [
        (json!({ "issuer": "https://evil.test", "jwks_uri": keys }), "calls itself"),
        (json!({ "issuer": issuer.url, "jwks_uri": "http://evil.test/k" }), "is not https"),
        (json!({ "issuer": issuer.url, "jwks_uri": "file:///k" }), "is not https"),
        (json!({ "issuer": issuer.url }), "cannot be read"),
        (json!({ "issuer": issuer.url, "jwks_uri": issuer.url }), "404"),
        (json!("x".repeat(300 * 1024)), "more than 262144 bytes"),
    ] {
        *issuer.discovery.lock().unwrap() = discovery;
        let Err(Rejection::Keys(problem)) = check(&issuer.verifier(), &token).await else {
            panic!("trusted: {part}");
        };
        assert!(problem.contains(part), "{problem}");
    }
}

#[tokio::test]
async fn an_issuer_out_of_reach_is_asked_again_soon_but_not_at_once() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let good = issuer.discovery.lock().unwrap().clone();
    *issuer.discovery.lock().unwrap() = json!(null);
    let verifier = issuer.verifier();
    let token = signer.sign(&issuer.claims());
    assert!(matches!(check(&verifier, &token).await, Err(Rejection::Keys(_))));
    *issuer.discovery.lock().unwrap() = good;
    assert!(matches!(verifier.check(&token, at(NOW + 2)).await, Err(Rejection::Keys(_))));
    assert_eq!(issuer.fetches(), 1);
    assert!(verifier.check(&token, at(LATER)).await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_hangs_is_not_asked_again_at_once() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    issuer.hangs.store(true, Ordering::SeqCst);
    let verifier = issuer.verifier();
    let token = signer.sign(&issuer.claims());
    // The pause is counted from the end of the attempt.
    for now in [NOW, NOW + LIMIT, NOW + LIMIT + 2] {
        let Err(Rejection::Keys(problem)) = verifier.check(&token, at(now)).await else {
            panic!("no keys came");
        };
        assert!(problem.contains("did not answer within 5s"), "{problem}");
        assert_eq!(issuer.fetches(), 1);
    }
    issuer.hangs.store(false, Ordering::SeqCst);
    assert!(verifier.check(&token, at(LATER)).await.is_ok());
}

#[tokio::test]
async fn nobody_waits_for_new_keys_who_has_old_ones() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    let claims = issuer.with("exp", json!(NOW + 9000));
    let token = signer.sign(&claims);
    assert!(check(&verifier, &token).await.is_ok());
    issuer.asked.notified().await;

    let held_back = issuer.gate.write().await;
    let (first, its_token) = (verifier.clone(), token.clone());
    let first = tokio::spawn(async move { first.check(&its_token, at(NOW + 3601)).await });
    issuer.asked.notified().await;
    for _ in 0..3 {
        assert!(verifier.check(&token, at(NOW + 3601)).await.is_ok());
    }
    drop(held_back);
    assert!(first.await.unwrap().is_ok());
    assert_eq!(issuer.fetches(), 4);
}

#[tokio::test]
async fn a_key_in_the_place_of_another_is_noticed() {
    let nameless = |signer: &Signer| {
        let mut jwk = signer.jwk();
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    for (id, old, new) in [
        (Some("k"), Signer::ed("k"), Signer::ed("k")),
        (Some("k"), Signer::ed("k"), Signer::ec("k")),
        (None, Signer::ec("k"), Signer::ec("k")),
        (None, Signer::ec("k"), Signer::ed("k")),
    ] {
        let jwk = |signer: &Signer| if id.is_some() { signer.jwk() } else { nameless(signer) };
        let issuer = TestIssuer::start(&[jwk(&old)]).await;
        let verifier = issuer.verifier();
        let (old_token, new_token) =
            (old.sign_as(id, &issuer.claims()), new.sign_as(id, &issuer.claims()));
        assert!(check(&verifier, &old_token).await.is_ok());
        issuer.publish(&[jwk(&new)]);
        let problem = rejected(&verifier, &new_token).await;
        assert!(problem.contains("signature") || problem.contains("does not sign"), "{problem}");
        assert_eq!(issuer.fetches(), 2);

        let callers = (0..5).map(|_| {
            let (verifier, token) = (verifier.clone(), new_token.clone());
            tokio::spawn(async move { verifier.check(&token, at(LATER)).await })
        });
        for caller in callers.collect::<Vec<_>>() {
            assert_eq!(caller.await.unwrap().unwrap()["sub"], "ann");
        }
        assert!(verifier.check(&old_token, at(LATER)).await.is_err());
        assert_eq!(issuer.fetches(), 4);
    }
}

#[tokio::test]
async fn forged_tokens_cost_one_fetch_in_a_while() {
    let (signer, stranger) = (Signer::ed("k"), Signer::ed("k"));
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    let (good, forged) = (signer.sign(&issuer.claims()), stranger.sign(&issuer.claims()));
    let refused = Rejection::Token("the token's signature is not the issuer's".to_owned());
    for (now, fetches) in [(NOW, 2), (NOW + 29, 2), (LATER, 4), (LATER + 29, 4)] {
        for _ in 0..3 {
            assert_eq!(verifier.check(&forged, at(now)).await, Err(refused.clone()));
            assert!(verifier.check(&good, at(now)).await.is_ok());
            assert_eq!(issuer.fetches(), fetches);
        }
    }
    // An issuer that cannot be asked changes nothing.
    *issuer.discovery.lock().unwrap() = json!("down");
    assert_eq!(verifier.check(&forged, at(LATER + 60)).await, Err(refused));
    assert!(verifier.check(&good, at(LATER + 60)).await.is_ok());
    assert_eq!(issuer.fetches(), 5);
}

#[tokio::test]
async fn claims_that_cannot_be_read_are_told_from_a_bad_signature() {
    let (signer, stranger) = (Signer::ed("k"), Signer::ed("k"));
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    assert!(check(&verifier, &signer.sign(&issuer.claims())).await.is_ok());
    let claims = issuer.claims().to_string();
    let open = claims.strip_suffix('}').unwrap();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for payload in [
        encode("[]"),
        encode(r#""secret""#),
        encode(""),
        encode(&format!("\u{feff}{claims}")),
        encode(&format!(r#"{open},"x":1e400}}"#)),
        encode(&format!(r#"{open},"x":{}{}}}"#, "[".repeat(200), "]".repeat(200))),
        encode(&format!(r#"{open},"sub":"bob"}}"#)),
        encode(&issuer.with("sub", json!(["ann"])).to_string()),
        URL_SAFE_NO_PAD.encode(b"{\"sub\":\"\xff\"}"),
        format!("{}=", encode(&claims)),
    ] {
        for (signer, part) in [(&signer, "claims cannot be read"), (&stranger, "signature")] {
            let problem = rejected(&verifier, &signer.sign_payload(&payload)).await;
            assert!(problem.contains(part) && !problem.contains("secret"), "{payload}: {problem}");
        }
        let later = verifier.check(&signer.sign_payload(&payload), at(LATER)).await;
        assert!(matches!(later, Err(Rejection::Token(_))));
    }
    // No other key would make them readable.
    assert_eq!(issuer.fetches(), 2);
    assert!(check(&verifier, &signer.sign_payload(&encode(&claims))).await.is_ok());
}

#[tokio::test]
async fn keys_outlast_a_document_without_any() {
    const HOUR: u64 = 3600;
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    let token = signer.sign(&issuer.with("exp", json!(NOW + 100 * HOUR)));
    assert!(verifier.check(&token, at(NOW)).await.is_ok());
    let mut encrypts = signer.jwk();
    encrypts["use"] = "enc".into();
    for (hours, keys) in [(1, vec![]), (2, vec![encrypts, json!({ "kty": "new" }), json!(7)])] {
        issuer.publish(&keys);
        assert!(verifier.check(&token, at(NOW + hours * HOUR)).await.is_ok());
        let Err(Rejection::Keys(problem)) = check(&issuer.verifier(), &token).await else {
            panic!("no key can sign");
        };
        assert!(problem.contains("/tenant/keys has no key that can sign"), "{problem}");
    }
    let Err(Rejection::Keys(problem)) = verifier.check(&token, at(NOW + 25 * HOUR)).await else {
        panic!("keys of yesterday are used");
    };
    assert!(problem.contains("has no key that can sign"), "{problem}");
    let new = Signer::ed("new");
    issuer.publish(&[new.jwk()]);
    let token = new.sign(&issuer.with("exp", json!(NOW + 100 * HOUR)));
    assert!(verifier.check(&token, at(NOW + 26 * HOUR)).await.is_ok());
}

#[tokio::test]
async fn a_key_id_is_compared_and_nothing_else() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    assert!(check(&verifier, &signer.sign(&issuer.claims())).await.is_ok());
    let url = format!("{}/keys", issuer.url);
    for id in
        ["../../../../dev/null", "/etc/passwd", &url, "file:///etc/passwd", "", "k\0", "k' OR 1=1"]
    {
        let problem = rejected(&verifier, &signer.sign_as(Some(id), &issuer.claims())).await;
        assert!(problem.contains("not one of the issuer's"), "{id}: {problem}");
    }
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn of_two_audiences_one_will_do_and_a_claim_twice_is_none() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let verifier = issuer.verifier();
    for (audience, good) in [
        (json!(["chat", "other"]), true),
        (json!(["other", "another"]), false),
        (json!("chat other"), false),
        (json!("chat,other"), false),
        (json!([["chat"]]), false),
        (json!([]), false),
    ] {
        let token = signer.sign(&issuer.with("aud", audience.clone()));
        assert_eq!(check(&verifier, &token).await.is_ok(), good, "{audience}");
    }
    let claims = issuer.with("aud", json!("other")).to_string();
    let twice = format!(r#"{},"aud":"chat"}}"#, claims.strip_suffix('}').unwrap());
    let payload = URL_SAFE_NO_PAD.encode(twice);
    let problem = rejected(&verifier, &signer.sign_payload(&payload)).await;
    assert!(problem.contains("each claim once"), "{problem}");
}

#[tokio::test]
async fn a_key_that_is_for_one_issuer_of_several_signs_for_that_one() {
    let (shared, own) = (Signer::ed("shared"), Signer::ed("own"));
    let keys = [
        (&shared, "https://login.example/{tenantid}/v2.0"),
        (&own, "https://login.example/consumers/v2.0"),
    ];
    let keys = keys.map(|(signer, issuer)| {
        let mut jwk = signer.jwk();
        jwk["issuer"] = issuer.into();
        jwk
    });
    let server = TestIssuer::start(&keys).await;
    let name = "https://login.example/{tenantid}/v2.0";
    server.discovery.lock().unwrap()["issuer"] = name.into();
    let discovery = format!("{}/.well-known/openid-configuration", server.url);
    let tenants = ["consumers", "contoso"].map(str::to_owned);
    let issuer = Issuer::found_by(name, &discovery).unwrap().with_tenants(tenants);
    let issuer = issuer.also_named("https://sts.example/{tenantid}/");
    let verifier = server.verifier_of(issuer);
    for (signer, tenant, good) in [
        (&shared, "contoso", true),
        (&shared, "consumers", true),
        (&own, "consumers", true),
        (&own, "contoso", false),
        (&shared, "strange", false),
    ] {
        let mut claims = server.with("tid", tenant.into());
        for issuer in ["https://login.example/{}/v2.0", "https://sts.example/{}/"] {
            claims["iss"] = issuer.replace("{}", tenant).into();
            let checked = check(&verifier, &signer.sign(&claims)).await;
            assert_eq!(checked.is_ok(), good, "{issuer} {tenant} {checked:?}");
        }
    }
}

#[tokio::test]
async fn an_issuer_that_answers_html_or_lists_ten_thousand_keys_is_no_issuer_now() {
    let signer = Signer::ed("k");
    let issuer = TestIssuer::start(&[signer.jwk()]).await;
    let token = signer.sign(&issuer.claims());
    let many: Vec<_> = (0..10_000)
        .map(|number| {
            let mut jwk = signer.jwk();
            jwk["kid"] = number.to_string().into();
            jwk
        })
        .collect();
    issuer.publish(&many);
    let Err(Rejection::Keys(problem)) = check(&issuer.verifier(), &token).await else {
        panic!("ten thousand keys are kept");
    };
    assert!(problem.contains("more than 262144 bytes"), "{problem}");
    *issuer.answers_html.lock().unwrap() = true;
    let Err(Rejection::Keys(problem)) = check(&issuer.verifier(), &token).await else {
        panic!("HTML is an issuer");
    };
    assert!(problem.contains("openid-configuration cannot be read"), "{problem}");
    *issuer.answers_html.lock().unwrap() = false;
    issuer.publish(&[signer.jwk()]);
    assert!(check(&issuer.verifier(), &token).await.is_ok());
}
