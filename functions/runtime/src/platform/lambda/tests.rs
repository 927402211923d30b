use axum::{extract::Request, http::StatusCode};
use lambda_http::Context;
use serde_json::{Value, json};
use signalr_serverless::HubName;

use super::*;
use crate::{BODY_LIMIT, Function, Items, config::tests::config};

/// A function that accepts bodies without the word `bad`, and answers with the caller's headers and
/// query.
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
    send_to(&router(), event).await
}

async fn send_to(router: &Router, event: &Value) -> Result<Value, String> {
    let payload = RawValue::from_string(event.to_string()).unwrap();
    let answer = answer(router.clone(), LambdaEvent::new(payload, Context::default())).await;
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
}

#[tokio::test]
async fn no_size_and_no_encoding_ends_the_process() {
    let long = "é".repeat(40_000);
    let headers = json!({});
    let mut query = rest_api("/echo", &headers, &headers);
    query["queryStringParameters"] = json!({ "x": long });
    let mut several = load_balancer("/echo", &headers);
    several["multiValueQueryStringParameters"] = json!({ "x": ["%2b".repeat(30_000)] });
    let mut not_base64 = http_api("/echo", "", &headers);
    not_base64["isBase64Encoded"] = true.into();
    let many: serde_json::Map<_, _> = (0..30_000).map(|n| (n.to_string(), "x".into())).collect();
    // Each is short enough alone.
    let named = |first: char| -> Value {
        let names = (0..13_000).map(|n| (format!("{first}{n:x}"), json!("")));
        names.collect::<serde_json::Map<_, _>>().into()
    };
    for (event, part) in [
        (http_api("/echo", &long, &headers), "query is longer"),
        (query, "query is longer"),
        (several, "query is longer"),
        (not_base64, "not base64"),
        (http_api("/echo", "", &many.clone().into()), "bytes of headers"),
        (rest_api("/echo", &headers, &many.into()), "bytes of headers"),
        (rest_api("/echo", &named('a'), &named('b')), "bytes of headers"),
    ] {
        let error = send(&event).await.unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    for event in [
        http_api(&format!("/{long}"), "", &headers),
        rest_api(&format!("/{long}"), &headers, &headers),
        load_balancer(&format!("/{long}"), &headers),
    ] {
        assert_eq!(send(&event).await.unwrap()["statusCode"], 404);
    }
}

#[tokio::test]
async fn what_a_gateway_puts_in_front_of_a_path_is_left_out() {
    let (headers, json_body) = (json!({ "content-type": "application/json" }), "{\"n\":1}");
    let mut mapped = rest_api("/v1/take", &headers, &json!({}));
    mapped["resource"] = "/take".into();
    let mut format_1 = rest_api("/prod/take", &headers, &json!({}));
    format_1["version"] = "1.0".into();
    format_1["requestContext"]["path"] = "/prod/take".into();
    let mut routed = http_api("/v1/take", "", &headers);
    routed["requestContext"]["routeKey"] = "POST /take".into();
    for mut event in [mapped, format_1, routed, load_balancer("/rt/api/take", &headers)] {
        event["body"] = json_body.into();
        assert_eq!(send(&event).await.unwrap()["statusCode"], 202, "{event}");
    }
}

#[tokio::test]
async fn the_stage_is_never_taken_for_a_hub() {
    let set = [
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
        ("FUNCTION_AUTH", "platform"),
        ("SIGNALR_HUBS", "chat,news"),
    ];
    let hub = |Extension(hub): Extension<HubName>| async move { hub.to_string() };
    let none_named = async || "none";
    let functions = [
        Function::open("hub", hub, ()),
        Function::open("other", none_named, ()).also_at("/other/path"),
    ];
    let router = crate::router(&config(&set).unwrap(), functions);
    let none = json!({});
    let http_api = |stage: &str, path: &str| {
        let mut event = http_api(path, "", &none);
        event["requestContext"]["stage"] = stage.into();
        event
    };
    let rest_api = |path: &str| {
        let mut event = rest_api(path, &none, &none);
        event["requestContext"]["path"] = format!("/prod{path}").into();
        event
    };
    for (event, hub) in [
        (rest_api("/hub"), "chat"),
        (rest_api("/news/hub"), "news"),
        (rest_api("/api/news/hub"), "news"),
        (http_api("prod", "/prod/hub"), "chat"),
        (http_api("prod", "/prod/api/hub"), "chat"),
        (http_api("prod", "/prod/api/news/hub"), "news"),
        (http_api("news", "/news/hub"), "chat"),
        (http_api("news", "/news/news/hub"), "news"),
        (http_api("$default", "/news/hub"), "news"),
        (http_api("$default", "/hub"), "chat"),
        (load_balancer("/prod/api/hub", &none), "chat"),
        (http_api("prod", "/prod/other/path"), "none"),
        (rest_api("/other/path"), "none"),
        (load_balancer("/other/path", &none), "none"),
        (load_balancer("/news/hub", &none), "news"),
    ] {
        assert_eq!(send_to(&router, &event).await.unwrap()["body"], hub, "{event}");
    }
    let unknown = send_to(&router, &http_api("prod", "/prod/other/hub")).await.unwrap();
    assert!(unknown["body"].as_str().unwrap().contains("hub 'other' is not served"), "{unknown}");
    let mut root = http_api("prod", "/prod/");
    root["requestContext"]["http"]["method"] = "GET".into();
    assert_eq!(send_to(&router, &root).await.unwrap()["body"], "ready\n");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_before_lambda_ends_the_process() {
    let wait = |deadline: Deadline| async move {
        match deadline.limit(std::future::pending::<StatusCode>()).await {
            Some(status) => status,
            None => StatusCode::BAD_GATEWAY,
        }
    };
    let config =
        config(&[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"), ("FUNCTION_AUTH", "platform")]);
    let router =
        crate::router(&config.unwrap(), [Function::open("wait", wait, ()).triggered(None)]);
    let end = SystemTime::now() + Duration::from_secs(29);
    let mut context = Context::default();
    context.deadline = end.duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap();
    let event = queue("arn:q", &[r#"{"n":1}"#, r#"{"n":2}"#]);
    let payload = RawValue::from_string(event.to_string()).unwrap();
    let start = tokio::time::Instant::now();
    let answer = answer(router, LambdaEvent::new(payload, context)).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(29), "{:?}", start.elapsed());
    let answer: Value = serde_json::from_str(answer.get()).unwrap();
    let ids = json!([{ "itemIdentifier": "0" }, { "itemIdentifier": "1" }]);
    assert_eq!(answer["batchItemFailures"], ids);
}

#[tokio::test]
async fn a_path_is_taken_as_it_was_sent() {
    for path in [
        "/x/../api/take",
        "/x/../take",
        "/api/%2e%2e/take",
        "/./take",
        "//take",
        "/take/.",
        "/take%2f",
    ] {
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
    let scheduler =
        json!({ "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}" });
    for good in [
        topic(r#"{"n":1}"#),
        bus(json!({ "n": 1 })),
        bus(json!([{ "n": 1 }])),
        json!({ "n": 1 }),
        json!([{ "n": 1 }, { "n": 2 }]),
        rule,
        scheduler,
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

#[tokio::test]
async fn warm_ups_and_tests_succeed_and_do_nothing() {
    let taken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&taken);
    let set = [("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"), ("FUNCTION_AUTH", "platform")];
    let config = config(&set).unwrap();
    let take = move |_: Items| async move {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        StatusCode::ACCEPTED
    };
    let broadcast = crate::router(&config, [Function::open("take", take, ()).triggered(None)]);
    let negotiate = crate::router(&config, [Function::open("echo", || async { "" }, ())]);
    let schedule = json!({
        "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events",
        "resources": ["arn"], "detail": {},
    });
    for router in [&broadcast, &negotiate] {
        for event in [
            json!({}),
            json!({ "key1": "value1", "key2": "value2", "key3": "value3" }),
            json!({ "source": "serverless-plugin-warmup" }),
            json!({ "warmer": true, "concurrency": 2 }),
            json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" }),
        ] {
            assert_eq!(send_to(router, &event).await, Ok(Value::Null), "{event}");
        }
    }
    assert_eq!(send_to(&negotiate, &schedule).await, Ok(Value::Null));
    // No setting has the message to send.
    assert!(send_to(&broadcast, &schedule).await.unwrap_err().contains("BROADCAST_TIMER_MESSAGE"));
    assert!(send_to(&negotiate, &json!({ "target": "t", "arguments": [] })).await.is_err());
    assert_eq!(taken.load(std::sync::atomic::Ordering::SeqCst), 0);
}
