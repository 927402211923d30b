use axum::{extract::Request, http::StatusCode};
use lambda_http::Context;
use serde_json::{Value, json};

use super::*;
use crate::{BODY_LIMIT, Function, Items, config::tests::config};

/// A function that takes bodies without the word `bad`, and tells the caller's headers and query.
fn router() -> Router {
    let set = [
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
        ("FUNCTION_AUTH", "platform"),
        ("BROADCAST_TIMER_MESSAGE", "{}"),
    ];
    let config = config(&set).unwrap();
    let echo = |request: Request| async move {
        let headers: Vec<_> = request.headers().get_all("x-many").iter().cloned().collect();
        format!("{headers:?} {}", request.uri().query().unwrap_or_default())
    };
    let take = |items: Items| async move {
        match format!("{items:?}").contains("bad") {
            true => StatusCode::BAD_GATEWAY,
            false => StatusCode::ACCEPTED,
        }
    };
    let functions = [
        Function::open("echo", echo, ()),
        Function::open("take", take, ()).triggered(Some("{}".to_owned())),
    ];
    crate::router(&config, functions)
}

async fn send(event: &Value) -> Result<Value, String> {
    let payload = RawValue::from_string(event.to_string()).unwrap();
    let answer = answer(router(), LambdaEvent::new(payload, Context::default())).await;
    answer.map(|answer| serde_json::from_str(answer.get()).unwrap()).map_err(|e| e.to_string())
}

fn http_api(path: &str, query: &str, headers: &Value) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers,
        "isBase64Encoded": false, "body": "{}",
        "requestContext": {
            "stage": "$default", "domainName": "x", "http": { "method": "POST", "path": path },
        },
    })
}

fn rest_api(path: &str, headers: &Value, several: &Value) -> Value {
    json!({
        "path": path, "httpMethod": "POST", "headers": headers, "multiValueHeaders": several,
        "isBase64Encoded": false,
        "requestContext": { "stage": "prod", "httpMethod": "POST" },
    })
}

fn load_balancer(path: &str, headers: &Value) -> Value {
    json!({
        "path": path, "httpMethod": "POST", "headers": headers, "isBase64Encoded": false,
        "requestContext": { "elb": { "targetGroupArn": "arn" } },
    })
}

#[tokio::test]
async fn no_host_path_or_query_ends_the_process() {
    let odd = ["", "//", "/\u{0}", "/%", "/é", "/ \"<>\\^`{|}#?", ":1", "@x/", "/%zz/..//echo"];
    for text in odd {
        let hosts = [text, "x y", "[", "a:b:c", "\\"];
        for host in hosts.iter().filter(|host| !host.contains('\u{0}')) {
            let headers = json!({ "host": host, "x-forwarded-proto": "no scheme" });
            for event in [
                http_api(text, text, &headers),
                rest_api(text, &headers, &json!({ "host": [host] })),
                load_balancer(text, &headers),
            ] {
                let status = &send(&event).await.unwrap()["statusCode"];
                assert!([404, 405].contains(&status.as_u64().unwrap()), "{status} {event}");
            }
        }
    }
    let long = "x".repeat(40_000);
    assert!(send(&http_api("/echo", &long, &json!({}))).await.unwrap_err().contains("longer than"));
}

#[tokio::test]
async fn a_path_is_taken_as_it_was_sent() {
    for path in ["/x/../take", "/api/%2e%2e/take", "/./take", "//take", "/take/.", "/take%2f"] {
        for event in [
            http_api(path, "", &json!({})),
            rest_api(path, &json!({}), &json!({})),
            load_balancer(path, &json!({})),
        ] {
            assert_eq!(send(&event).await.unwrap()["statusCode"], 404, "{event}");
        }
    }
}

#[tokio::test]
async fn all_values_of_a_header_and_the_query_arrive() {
    let answer = send(&http_api("/echo", "a=1&b=%26+é", &json!({}))).await.unwrap();
    assert_eq!(answer["body"], "[] a=1&b=%26+%C3%A9");
    let several = json!({ "x-many": ["1", "2"] });
    let answer = send(&rest_api("/echo", &json!({ "x-many": "2" }), &several)).await.unwrap();
    assert_eq!(answer["body"], r#"["1", "2"] "#);
}

#[tokio::test]
async fn a_body_past_the_limit_is_413() {
    let mut event = http_api("/take", "", &json!({ "content-type": "application/json" }));
    event["body"] = "x".repeat(BODY_LIMIT + 1).into();
    assert_eq!(send(&event).await.unwrap()["statusCode"], 413);
}

fn queue(arn: &str, bodies: &[&str]) -> Value {
    let records = bodies.iter().enumerate().map(|(index, body)| {
        json!({ "messageId": index.to_string(), "body": body, "eventSourceARN": arn })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_queue_keeps_what_failed_and_one_with_an_order_all_that_follows() {
    let bodies = [r#"{"n":1}"#, r#"{"n":"bad"}"#, r#""{\"n\":3}""#, "nonsense", r#"{"n":5}"#];
    let failed = |ids: &[&str]| {
        let failures: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
        json!({ "batchItemFailures": failures })
    };
    assert_eq!(send(&queue("arn:q", &bodies)).await.unwrap(), failed(&["1", "3"]));
    assert_eq!(send(&queue("arn:q.fifo", &bodies)).await.unwrap(), failed(&["1", "2", "3", "4"]));
    assert_eq!(send(&queue("arn:q", &bodies[..1])).await.unwrap(), failed(&[]));
}

#[tokio::test]
async fn topics_buses_and_schedules_succeed_or_fail_whole() {
    let topic = |message: &str| json!({ "Records": [{ "Sns": { "Message": message } }] });
    let bus = |detail: Value| json!({ "detail-type": "Order", "source": "s", "detail": detail });
    let rule = json!({ "detail-type": "Scheduled Event", "source": "aws.events", "detail": {} });
    for good in [
        topic(r#"{"n":1}"#),
        bus(json!({ "n": 1 })),
        bus(json!([{ "n": 1 }])),
        json!({ "n": 1 }),
        json!([{ "n": 1 }, { "n": 2 }]),
        rule,
    ] {
        send(&good).await.unwrap();
    }
    for (bad, part) in [
        (topic("bad"), "not JSON"),
        (bus(json!({ "n": "bad" })), "502"),
        (bus(json!([])), "the array is empty"),
        (json!([{ "n": 1 }, { "n": "bad" }]), "502"),
        (json!({ "Records": [{ "s3": {} }] }), "neither of SQS nor of SNS"),
        (json!("text"), "not JSON"),
    ] {
        let error = send(&bad).await.unwrap_err();
        assert!(error.contains(part), "{bad}: {error}");
    }
}
