//! Stateful reconnect between a client and the service, of which its app notices nothing.

use reqwest::Method;
use serde_json::json;
use signalr_server_protocol::ConnectionKind;

use crate::{
    app::{App, payloads},
    service::{Client, start},
};

#[tokio::test]
async fn an_app_keeps_a_client_that_changes_its_socket() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let path = "/client/negotiate?hub=chat&negotiateVersion=1&useStatefulReconnect=true";
    let bearer = service.client_token("chat", None);
    let negotiated = service.http(Method::POST, path).bearer_auth(bearer).send().await.unwrap();
    let negotiated: serde_json::Value = negotiated.json().await.unwrap();
    assert_eq!(negotiated["useStatefulReconnect"], true);
    let url = service.connect_url("chat", None, negotiated["connectionToken"].as_str().unwrap());
    let mut client = Client::open(&url).await;
    client.send(&json!({ "protocol": "json", "version": 2 })).await;
    let id = app.accept().await;
    assert_eq!(client.next().await, json!({}));
    let call = |id: u32| json!({ "type": 1, "target": "x", "arguments": [id] });
    client.send(&call(1)).await;
    assert!(app.data().await.1.ends_with(b"[1],\"target\":\"x\",\"type\":1}\x1e"));
    assert_eq!(client.next().await, json!({ "type": 8, "sequenceId": 1 }));
    drop(client);
    // While it is away: one message is numbered, a ping is not.
    app.say(&id, payloads("away").0.remove(0).1).await;
    app.say(&id, &b"{\"type\":6}\x1e"[..]).await;
    let mut client = Client::open(&url).await;
    client.send(&json!({ "type": 9, "sequenceId": 1 })).await;
    // The message that the app has is passed over, the new one is not.
    client.send(&call(1)).await;
    client.send(&call(2)).await;
    assert!(app.data().await.1.starts_with(b"{\"arguments\":[2]"));
    let mut came = Vec::new();
    while came.len() < 2 {
        let message = client.next().await;
        if message["type"] != 8 {
            came.push(message);
        }
    }
    assert_eq!(came[0], json!({ "type": 9, "sequenceId": 1 }));
    assert_eq!(came[1]["arguments"], json!(["away"]));
    client.send(&json!({ "type": 7 })).await;
    assert!(app.data().await.1.starts_with(b"{\"type\":7"));
    assert_eq!(app.closed().await, id);
}
