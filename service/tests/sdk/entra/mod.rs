//! Callers with a Microsoft Entra identity: the whole way from their token to their clients, and
//! every kind of token that must not get in.

mod issuer;

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use signalr_serverless::{
    ConnectionString, Error, Fault, HubName, NegotiateAnswer, NegotiateOptions, Negotiator,
    PendingToken, Token, TokenSource, UserId,
    rest::{Endpoint, Endpoints, Message, RestClient},
};
use signalr_service::{Config, EntraIssuer};

use self::issuer::{Issuer, public_key, sign, sign_by_stranger};
use crate::{
    client::{Client, Running, start_with},
    scene::connection_string,
};

const APP_SERVER: &str = "SignalR App Server";
const OWNER: &str = "SignalR Service Owner";

struct Fixed(String);

impl TokenSource for Fixed {
    fn token<'a>(&'a self, _scope: &'a str) -> PendingToken<'a> {
        Box::pin(async { Ok(Token::parse(&self.0)?) })
    }
}

/// A client that connects where it is sent.
async fn join(answer: &NegotiateAnswer) -> Client {
    let url = answer.url.replace("http://", "ws://");
    let url = format!("{url}&access_token={}", answer.access_token.as_str());
    let mut client = Client::open(&url).await;
    client.shake_hands().await;
    client
}

async fn start(issuer: &str) -> Running {
    let entra = Some(EntraIssuer::parse(issuer).unwrap());
    start_with(Config { entra, ..Config::default() }).await
}

fn service_with(service: &Running, token: String) -> ConnectionString {
    let text = format!("Endpoint=http://{};AuthType=azure", service.host);
    ConnectionString::parse(&text).unwrap().with_token_source(Fixed(token))
}

#[tokio::test]
async fn an_identity_sends_and_its_clients_connect() {
    let issuer = Issuer::start().await;
    let service = start(&issuer.url).await;
    for role in [APP_SERVER, OWNER] {
        let named = service_with(&service, sign(&issuer.claims(role)));
        let rest = RestClient::new(&named).unwrap();
        let chat = HubName::parse("Chat").unwrap();

        let ann = NegotiateOptions::default().with_user_id(UserId::parse("ann").unwrap());
        let negotiator = Negotiator::with_client(&named, &rest).unwrap();
        let answer = negotiator.negotiate(&chat, &ann, SystemTime::now()).await.unwrap();
        let signing_key = rest.access_key().await.unwrap();
        let header = jsonwebtoken::decode_header(answer.access_token.as_str()).unwrap();
        assert_eq!((header.alg, header.kid), (Algorithm::HS256, Some(signing_key.id)));

        let mut client = join(&answer).await;

        let hub = rest.hub(chat);
        assert!(hub.user(UserId::parse("ann").unwrap()).exists().await.unwrap());
        hub.broadcast(&Message::new("m", &[1]).unwrap()).await.unwrap();
        let got = client.next().await;
        assert_eq!(got, json!({ "type": 1, "target": "m", "arguments": [1] }));
    }
    service.stop().await;
}

#[tokio::test]
async fn an_endpoint_with_an_identity_stands_beside_one_with_a_key() {
    let issuer = Issuer::start().await;
    let (west, east) = (start(&issuer.url).await, start_with(Config::default()).await);
    let named = service_with(&west, sign(&issuer.claims(OWNER)));
    let endpoints = Endpoints::new([
        Endpoint::new("west", named),
        Endpoint::new("east", connection_string(&east.host)),
    ])
    .unwrap();
    let (chat, options) = (HubName::parse("chat").unwrap(), NegotiateOptions::default());
    let mut clients = Vec::new();
    for random in [0, 1] {
        let now = SystemTime::now();
        let answer = endpoints.negotiate(&chat, &options, now, random).await.unwrap();
        clients.push(join(&answer).await);
    }
    let message = &Message::new("m", &[1]).unwrap();
    let sends = endpoints.call(&chat, |hub| async move { hub.broadcast(message).await });
    for sent in sends.await.unwrap() {
        assert!(sent.result.is_ok(), "{sent:?}");
    }
    for client in &mut clients {
        assert_eq!(client.next().await, json!({ "type": 1, "target": "m", "arguments": [1] }));
    }
    west.stop().await;
    east.stop().await;
}

/// What a broadcast with this token is answered with.
async fn broadcast(service: &Running, token: &str) -> (StatusCode, String) {
    let call = service.http(Method::POST, "/api/v1/hubs/chat").bearer_auth(token);
    let answer = call.json(&json!({ "target": "m", "arguments": [] })).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn is_refused(service: &Running, token: &str, status: u16, part: &str) {
    let (came, body) = broadcast(service, token).await;
    assert_eq!(came.as_u16(), status, "{body}");
    assert!(body.contains(part), "'{body}' does not say '{part}'");
    assert!(token.is_empty() || !body.contains(token), "{body}");
    let key = service.http(Method::GET, "/api/v1/auth/accessKey").bearer_auth(token);
    let answer = key.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), status);
    assert!(!answer.text().await.unwrap().contains("AccessKey"));
}

#[tokio::test]
async fn claims_that_are_wrong_are_refused() {
    let issuer = Issuer::start().await;
    let service = start(&issuer.url).await;
    let good = issuer.claims(OWNER);
    let now = good["iat"].as_u64().unwrap();
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(&claims)
    };
    for (token, status, part) in [
        (with("aud", json!("https://management.azure.com")), 401, "audience must be"),
        (with("aud", json!(format!("http://{}/api/v1/hubs/chat", service.host))), 401, "audience"),
        (with("iss", json!("https://sts.windows.net/other/")), 401, "issuer must be"),
        (with("exp", json!(now - 60)), 401, "has expired"),
        (with("exp", Value::Null), 401, "'exp'"),
        (with("nbf", json!(now + 600)), 401, "from the future by its 'nbf'"),
        (with("iat", json!(now + 600)), 401, "from the future by its 'iat'"),
        (with("roles", json!(["SignalR REST API Reader"])), 403, "must hold 'SignalR App Server'"),
        (with("roles", json!(APP_SERVER)), 403, "'roles'"),
        (with("roles", json!([])), 403, "'roles'"),
        (with("roles", Value::Null), 403, "'roles'"),
        (with("roles", json!(["signalr app server "])), 403, "'roles'"),
    ] {
        is_refused(&service, &token, status, part).await;
    }
    let old_form = with("aud", json!("https://signalr.azure.com/"));
    assert_eq!(broadcast(&service, &old_form).await.0, StatusCode::ACCEPTED);
    service.stop().await;
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let issuer = Issuer::start().await;
    let service = start(&issuer.url).await;
    let claims = issuer.claims(OWNER);
    let good = sign(&claims);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let payload = signed.split_once('.').unwrap().1;
    let unsigned =
        |header: Value| format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header.to_string()));
    // The public key as the secret of a MAC, in the forms in which it can be had.
    let jwk = public_key();
    let modulus = jwk["n"].as_str().unwrap();
    let raw = URL_SAFE_NO_PAD.decode(modulus).unwrap();
    let mac = |algorithm: Algorithm, secret: &[u8]| {
        let header = Header { kid: Some("test".to_owned()), ..Header::new(algorithm) };
        encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    for (token, part) in [
        (mac(Algorithm::HS256, modulus.as_bytes()), "another key"),
        (mac(Algorithm::HS256, &raw), "another key"),
        (mac(Algorithm::HS256, jwk.to_string().as_bytes()), "another key"),
        (mac(Algorithm::HS512, &raw), "another key"),
        (mac(Algorithm::HS384, &raw), "HS256 or HS512"),
        (unsigned(json!({ "alg": "none", "kid": "test" })), "not a JSON Web Token"),
        (unsigned(json!({ "alg": "RS256", "kid": "test" })), "signature"),
        (unsigned(json!({ "kid": "test" })), "not a JSON Web Token"),
        (format!("{signed}.{}", &signature[4..]), "signature"),
        (sign_by_stranger("test", &claims), "signature is not the issuer's"),
        (sign_by_stranger("unknown", &claims), "not one of the issuer's"),
    ] {
        is_refused(&service, &token, 401, part).await;
    }
    assert_eq!(broadcast(&service, &good).await.0, StatusCode::ACCEPTED);
    // A caller's token connects no client.
    let url = format!("ws://{}/client/?hub=chat&access_token={good}", service.host);
    assert!(tokio_tungstenite::connect_async(url).await.is_err());
    service.stop().await;
}

#[tokio::test]
async fn the_sdk_says_who_can_put_a_refusal_right() {
    let issuer = Issuer::start().await;
    let service = start(&issuer.url).await;
    let refusal = async |token: String| {
        let named = service_with(&service, token);
        let rest = RestClient::new(&named).unwrap();
        let negotiator = Negotiator::with_client(&named, &rest).unwrap();
        let (hub, options) = (HubName::parse("chat").unwrap(), NegotiateOptions::default());
        let error = negotiator.negotiate(&hub, &options, SystemTime::now()).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Configuration);
        match error {
            Error::Refused(refusal) => refusal,
            other => panic!("{other}"),
        }
    };
    let no_role = refusal(sign(&issuer.claims("Reader"))).await;
    assert_eq!(no_role.status, StatusCode::FORBIDDEN);
    assert!(no_role.to_string().contains("has the role SignalR App Server"), "{no_role}");
    let not_good = refusal(sign_by_stranger("test", &issuer.claims(OWNER))).await;
    assert_eq!(not_good.status, StatusCode::UNAUTHORIZED);
    assert!(not_good.to_string().contains("Microsoft Entra identity"), "{not_good}");
    service.stop().await;
}

#[tokio::test]
async fn an_issuer_out_of_reach_is_told_and_access_keys_go_on() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let issuer = Issuer { url: format!("http://{port}/tenant") };
    let service = start(&issuer.url).await;
    let token = sign(&issuer.claims(OWNER));
    is_refused(&service, &token, 503, "cannot be reached").await;
    service.send("/api/v1/hubs/chat", json!([1])).await;
    service.stop().await;
}

#[tokio::test]
async fn a_service_without_an_issuer_takes_access_keys_only() {
    let issuer = Issuer::start().await;
    let service = start_with(Config { lenient: true, ..Config::default() }).await;
    let token = sign(&issuer.claims(OWNER));
    is_refused(&service, &token, 401, "knows no Microsoft Entra issuer").await;
    service.stop().await;
}

#[tokio::test]
async fn leniency_is_for_access_keys_only() {
    let issuer = Issuer::start().await;
    let entra = Some(EntraIssuer::parse(&issuer.url).unwrap().with_audience("api://ours"));
    let service = start_with(Config { entra, lenient: true, ..Config::default() }).await;
    let mut claims = issuer.claims(APP_SERVER);
    is_refused(&service, &sign(&claims), 401, "audience must be").await;
    claims["aud"] = json!("api://ours");
    assert_eq!(broadcast(&service, &sign(&claims)).await.0, StatusCode::ACCEPTED);
    claims["exp"] = json!(1);
    is_refused(&service, &sign(&claims), 401, "expired").await;
    service.stop().await;
}
