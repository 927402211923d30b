//! Clients of app servers, by what their app signed into their tokens.

use std::time::SystemTime;

use serde_json::json;
use signalr_serverless::{NegotiateOptions, Token, UserId};

use crate::service::{Client, Running, key};

/// A token as an app server signs it.
pub(crate) fn token(service: &Running, user: Option<&str>, claims: &[(&str, &str)]) -> String {
    let mut options = NegotiateOptions::default();
    if let Some(user) = user {
        options = options.with_user_id(UserId::parse(user).unwrap());
    }
    let audience = format!("http://{}/client/?hub=chat", service.host);
    let token = Token::client(&key(), &audience, &options, SystemTime::now()).unwrap();
    let mut all: serde_json::Map<String, serde_json::Value> =
        jsonwebtoken::dangerous::insecure_decode_claims(token.as_str()).unwrap();
    for (name, value) in claims {
        all.insert((*name).to_owned(), json!(value));
    }
    let signing =
        jsonwebtoken::EncodingKey::from_secret(signalr_service::WELL_KNOWN_ACCESS_KEY.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &all, &signing).unwrap()
}

/// The URL of a client that skips the negotiation.
pub(crate) fn url(service: &Running, user: Option<&str>, claims: &[(&str, &str)]) -> String {
    let token = token(service, user, claims);
    format!("ws://{}/client/?hub=chat&asrs.op=%2Fchat&room=1&access_token={token}", service.host)
}

/// A client whose handshake is sent and not answered yet.
pub(crate) async fn arrive(
    service: &Running,
    user: Option<&str>,
    claims: &[(&str, &str)],
) -> Client {
    let mut client = Client::open(&url(service, user, claims)).await;
    client.send(&json!({ "protocol": "json", "version": 1 })).await;
    client
}
