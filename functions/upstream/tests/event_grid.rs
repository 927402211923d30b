//! Connection events as events of Azure Event Grid, and the receivers of these events.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::time::Duration;

use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use hmac::{Hmac, Mac};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use sha2::Sha256;
use signalr_function_runtime::Config;
use signalr_upstream::Upstream;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

/// A request to the receiver: method, headers and body.
type Came = (Method, HeaderMap, Value);

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A receiver that answers as the test says, and reports each request.
async fn receiver(answer: fn(&Came) -> Response) -> (String, mpsc::UnboundedReceiver<Came>) {
    let (came, all) = mpsc::unbounded_channel();
    let router = Router::new().fallback(move |request: Request| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let request =
            (parts.method, parts.headers, serde_json::from_slice(&body).unwrap_or_default());
        let answer = answer(&request);
        came.send(request).unwrap();
        answer
    });
    (serve(router).await, all)
}

/// Answers as a webhook of Event Grid does.
fn wants_events((method, headers, body): &Came) -> Response {
    if *method == Method::OPTIONS {
        let origin = headers["webhook-request-origin"].clone();
        return ([("webhook-allowed-origin", origin)], "").into_response();
    }
    match headers.get("aeg-event-type").map(|kind| kind.as_bytes()) {
        Some(b"SubscriptionValidation") => {
            let code = body[0]["data"]["validationCode"].clone();
            Json(json!({ "validationResponse": code })).into_response()
        }
        _ => StatusCode::OK.into_response(),
    }
}

fn wants_nothing(_: &Came) -> Response {
    Json(json!({ "validationResponse": "another" })).into_response()
}

fn fails(_: &Came) -> Response {
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

async fn app(endpoint: &str, set: &[(&str, &str)]) -> String {
    let least = [
        ("AzureSignalRConnectionString", "Endpoint=http://localhost:8888;AccessKey=s3cret"),
        ("SIGNALR_HUB", "chat"),
        ("EVENT_GRID_ENDPOINT", endpoint),
    ];
    let config = Config::from_lookup(|key| {
        set.iter().chain(&least).find(|(name, _)| *name == key).map(|(_, value)| *value)
    });
    let config = config.unwrap();
    let upstream = Upstream::new(&config).publishing_connections(&config).unwrap();
    serve(signalr_function_runtime::router(&config, [upstream.function()])).await
}

/// Sends the service's request for a connect or disconnect. Returns the status of the answer.
async fn happened(app: &str, event: &str, body: &Value) -> u16 {
    let mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap().chain_update("c1");
    let signature = base16ct::upper::encode_string(&mac.finalize().into_bytes());
    let request = Request::post(format!("{app}/api/upstream"))
        .header("content-type", "application/json")
        .header("x-asrs-connection-id", "c1")
        .header("x-asrs-hub", "chat")
        .header("x-asrs-user-id", "ann")
        .header("x-asrs-category", "connections")
        .header("x-asrs-event", event)
        .header("x-asrs-signature", format!("sha256={signature}"));
    let http = Client::builder(TokioExecutor::new()).build_http();
    let request = request.body(Body::from(body.to_string())).unwrap();
    let answer = timeout(Duration::from_secs(30), http.request(request)).await;
    answer.unwrap().unwrap().status().as_u16()
}

#[tokio::test]
async fn cloud_events_reach_a_webhook_that_wants_them() {
    let (endpoint, mut came) = receiver(wants_events).await;
    let app = app(&endpoint, &[]).await;
    assert_eq!(happened(&app, "connected", &json!({ "type": 10 })).await, 204);
    let (method, headers, _) = came.recv().await.unwrap();
    assert_eq!(
        (method, &headers["webhook-request-origin"]),
        (Method::OPTIONS, &"localhost:8888".parse().unwrap())
    );
    let (method, headers, event) = came.recv().await.unwrap();
    assert_eq!(method, Method::POST);
    assert_eq!(headers["content-type"], "application/cloudevents+json; charset=utf-8");
    assert_eq!(event["type"], "Microsoft.SignalRService.ClientConnectionConnected");
    assert_eq!(
        (&event["specversion"], &event["source"], &event["subject"], &event["id"]),
        (
            &json!("1.0"),
            &json!("http://localhost:8888"),
            &json!("/hub/chat"),
            &json!("c1-connected")
        )
    );
    assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
    assert_eq!(
        event["data"],
        json!({ "timestamp": event["time"], "hubName": "chat", "connectionId": "c1", "userId": "ann" })
    );
    // The webhook is asked only once.
    let gone = json!({ "type": 11, "error": "too slow" });
    assert_eq!(happened(&app, "disconnected", &gone).await, 204);
    let (method, _, event) = came.recv().await.unwrap();
    assert_eq!(method, Method::POST);
    assert_eq!(event["type"], "Microsoft.SignalRService.ClientConnectionDisconnected");
    assert_eq!(event["data"]["errorMessage"], "too slow");
}

#[tokio::test]
async fn event_grids_own_schema_begins_with_a_validation() {
    let (endpoint, mut came) = receiver(wants_events).await;
    let app = app(&endpoint, &[("EVENT_GRID_SCHEMA", "eventgrid")]).await;
    assert_eq!(happened(&app, "connected", &json!({ "type": 10 })).await, 204);
    let (_, headers, events) = came.recv().await.unwrap();
    assert_eq!(headers["aeg-event-type"], "SubscriptionValidation");
    assert_eq!(events[0]["eventType"], "Microsoft.EventGrid.SubscriptionValidationEvent");
    let (_, headers, events) = came.recv().await.unwrap();
    assert_eq!(headers["aeg-event-type"], "Notification");
    let event = &events[0];
    assert_eq!(event["eventType"], "Microsoft.SignalRService.ClientConnectionConnected");
    assert_eq!(
        (&event["topic"], &event["subject"], &event["dataVersion"]),
        (&json!("http://localhost:8888"), &json!("/hub/chat"), &json!("1.0"))
    );
    assert_eq!(event["data"]["connectionId"], "c1");
}

#[tokio::test]
async fn a_topic_gets_its_key_and_no_topic_of_ours() {
    let (endpoint, mut came) = receiver(wants_events).await;
    let set = [("EVENT_GRID_KEY", "topic-key"), ("EVENT_GRID_SCHEMA", "eventgrid")];
    let app = app(&endpoint, &set).await;
    assert_eq!(happened(&app, "connected", &json!({ "type": 10 })).await, 204);
    let (_, headers, events) = came.recv().await.unwrap();
    assert_eq!(headers["aeg-sas-key"], "topic-key");
    assert_eq!(events[0].get("topic"), None);
    assert_eq!(events[0]["data"]["userId"], "ann");
}

#[tokio::test]
async fn a_receiver_that_wants_nothing_or_fails_gets_nothing_and_no_client_suffers() {
    for schema in ["cloudevents", "eventgrid"] {
        for answer in [wants_nothing as fn(&Came) -> Response, fails] {
            let (endpoint, mut came) = receiver(answer).await;
            let app = app(&endpoint, &[("EVENT_GRID_SCHEMA", schema)]).await;
            for _ in 0..2 {
                assert_eq!(happened(&app, "connected", &json!({ "type": 10 })).await, 204);
                let (method, headers, _) = came.recv().await.unwrap();
                let asks = method == Method::OPTIONS
                    || headers["aeg-event-type"] == "SubscriptionValidation";
                assert!(asks && came.try_recv().is_err(), "{schema}");
            }
        }
    }
    let app = app("http://127.0.0.1:1", &[]).await;
    assert_eq!(happened(&app, "connected", &json!({ "type": 10 })).await, 204);
}
