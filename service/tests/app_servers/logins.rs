//! Logins of clients that their app asks about and renews.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use signalr_server_protocol::{
    AckStatus, Claims, ConnectionClaims, ConnectionKind, Extensions, GetConnectionClaims, Message,
    RefreshAuth, Secret, Timestamp,
};

use crate::{
    app::App,
    clients::token,
    service::{Client, Running, start},
};

const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

/// In seconds since 1970.
fn in_an_hour() -> i64 {
    let end = SystemTime::now() + Duration::from_secs(3600);
    end.duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn claims(pairs: &[(&str, &str)]) -> Claims {
    Claims(pairs.iter().map(|(kind, value)| ((*kind).into(), (*value).into())).collect())
}

/// Ann, with her connection token, and her app.
async fn meet(service: &Running) -> (App, Client, String) {
    let mut app = App::connect(service, "a", ConnectionKind::Default).await;
    let token = token(service, Some("ann"), &[("role", "a"), ("asrs.s.coae", "true")]);
    let path = "/client/negotiate?hub=chat&negotiateVersion=1";
    let negotiation = service.http(Method::POST, path).bearer_auth(&token).send().await.unwrap();
    let negotiation: Value = negotiation.json().await.unwrap();
    let connection_token = negotiation["connectionToken"].as_str().unwrap().to_owned();
    let url = format!(
        "ws://{}/client/?hub=chat&id={connection_token}&access_token={token}",
        service.host
    );
    let mut client = Client::open(&url).await;
    client.send(&json!({ "protocol": "json", "version": 1 })).await;
    client.id = app.accept().await;
    client.next().await;
    (app, client, connection_token)
}

fn renewal(token: &str, pairs: &[(&str, &str)], seconds: i64) -> RefreshAuth {
    RefreshAuth {
        connection_token: Secret(token.to_owned()),
        claims: claims(pairs),
        expires: Timestamp { seconds, nanoseconds: 0 },
        ack_id: 1,
        extensions: Extensions::default(),
    }
}

/// The claims that an ack brings.
async fn claims_in_ack(app: &mut App) -> Vec<(String, String)> {
    let ack = app.whole_ack().await;
    assert_eq!(ack.status, AckStatus::Ok, "{ack:?}");
    ConnectionClaims::decode(ack.payload.unwrap()).unwrap().0.unwrap().0
}

#[tokio::test]
async fn an_app_asks_for_the_claims_of_a_client_and_renews_its_login() {
    let service = start().await;
    let (mut app, client, token) = meet(&service).await;
    let get = || GetConnectionClaims {
        connection_token: Secret(token.clone()),
        ack_id: 2,
        extensions: Extensions::default(),
    };
    app.send(get()).await;
    let before = claims_in_ack(&mut app).await;
    assert!(before.contains(&("role".to_owned(), "a".to_owned())), "{before:?}");
    let end = in_an_hour();
    app.send(renewal(&token, &[("asrs.s.uid", "ann"), ("role", "b"), ("exp", "5")], end)).await;
    // The hub's user first, then the answer to the one who checked the login.
    match app.next().await {
        Message::UpdateConnectionClaims(update) => {
            assert_eq!(update.connection_id, client.id);
            assert!(update.claims.0.contains(&(ROLE.to_owned(), "b".to_owned())));
            assert!(!update.claims.0.contains(&(ROLE.to_owned(), "a".to_owned())));
        }
        other => panic!("{other:?}"),
    }
    let renewed = claims_in_ack(&mut app).await;
    for expected in [("role", "b"), ("asrs.s.uid", "ann"), ("asrs.s.aeo", &end.to_string())] {
        assert!(renewed.iter().any(|(k, v)| (k.as_str(), v.as_str()) == expected), "{renewed:?}");
    }
    assert!(!renewed.iter().any(|(kind, _)| kind == "exp"), "{renewed:?}");
    app.send(get()).await;
    assert_eq!(claims_in_ack(&mut app).await, renewed);
    // Without claims they stay, and nobody is told that they changed.
    app.send(renewal(&token, &[], 253_402_300_799)).await;
    let mut unchanged = renewed;
    unchanged.retain(|(kind, _)| kind != "asrs.s.aeo");
    assert_eq!(claims_in_ack(&mut app).await, unchanged);
}

#[tokio::test]
async fn a_login_that_cannot_be_is_refused_and_the_old_one_stays() {
    let service = start().await;
    let (mut app, mut client, token) = meet(&service).await;
    let end = in_an_hour();
    let large = "x".repeat(17_000);
    for (bad, status) in [
        (renewal(&token, &[("asrs.s.uid", "bob")], end), AckStatus::Forbidden),
        (renewal(&token, &[("", "x")], end), AckStatus::Forbidden),
        (renewal(&token, &[("x", &large)], end), AckStatus::Forbidden),
        (renewal(&token, &[], 5), AckStatus::Forbidden),
        (renewal(&token, &[], i64::MIN), AckStatus::Forbidden),
        (renewal("nobody's", &[], end), AckStatus::NotFound),
        (renewal("", &[], end), AckStatus::NotFound),
    ] {
        app.send(bad).await;
        let ack = app.whole_ack().await;
        assert_eq!((ack.status, ack.payload), (status, None));
        assert!(!ack.message.contains(&large));
    }
    // Another hub's app does not know the client.
    let mut other = App::connect_to(&service, "other", "b", ConnectionKind::Weak).await;
    other.send(renewal(&token, &[], end)).await;
    assert_eq!(other.ack().await.1, AckStatus::NotFound);
    client.send(&json!({ "type": 1, "target": "x", "arguments": [] })).await;
    assert_eq!(app.data().await.0, client.id);
}

#[tokio::test]
async fn an_app_learns_of_claims_that_rest_renewed() {
    let service = start().await;
    let (mut app, client, token) = meet(&service).await;
    let path = "/api/hubs/chat/connections/:refreshAuth?api-version=2026-07-01";
    let body = json!({
        "connectionToken": token,
        "claims": [{ "type": "role", "value": "c" }],
    });
    let response = service.call(Method::POST, path).json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    match app.next().await {
        Message::UpdateConnectionClaims(update) => {
            assert_eq!(update.connection_id, client.id);
            assert!(update.claims.0.contains(&(ROLE.to_owned(), "c".to_owned())));
        }
        other => panic!("{other:?}"),
    }
}
