//! What holds for any name and any JSON, from the SDK through the service to a client.

use std::sync::Arc;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use reqwest::Method;
use serde_json::value::RawValue;
use signalr_serverless::{
    ConnectionId, ConnectionString, GroupName, HubName, UserId,
    rest::{Hub, Message as SdkMessage, RestClient},
};
use signalr_service::WELL_KNOWN_ACCESS_KEY;
use tokio::{runtime::Runtime, sync::Mutex};

use crate::client::{Client, Running, start};

/// A service with one client, the SDK, and a runtime to drive them from within a property.
struct Setup {
    runtime: Runtime,
    service: Running,
    client: Arc<Mutex<Client>>,
    hub: Hub,
}

fn set_up() -> Setup {
    let runtime = Runtime::new().unwrap();
    let (service, client) = runtime.block_on(async {
        let service = start().await;
        let client = service.connect(Some("ann")).await;
        (service, client)
    });
    let text = format!("Endpoint=http://{};AccessKey={WELL_KNOWN_ACCESS_KEY}", service.host);
    let rest = RestClient::new(&ConnectionString::parse(&text).unwrap()).unwrap();
    let hub = rest.hub(HubName::parse("chat").unwrap());
    Setup { runtime, service, client: Arc::new(Mutex::new(client)), hub }
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// Names of any characters, most of them short and some as long as they may be.
fn names() -> impl Strategy<Value = String> {
    let lengths = prop_oneof![8 => 1_usize..12, 1 => 1000_usize..=1024];
    let text = lengths.prop_flat_map(|length| vec(any::<char>(), length));
    // No URL can carry a segment of one or two dots.
    text.prop_map(String::from_iter).prop_filter("dots", |name| name != "." && name != "..")
}

#[test]
fn any_group_name_survives() {
    let setup = set_up();
    let groups = names().prop_filter("white space", |name| !name.trim().is_empty());
    let survives = |name: String| {
        setup.runtime.block_on(async {
            let mut client = setup.client.lock().await;
            let group = setup.hub.group(GroupName::parse(&name).unwrap());
            let id = ConnectionId::parse(&client.id).unwrap();
            group.add_connection(&id).await.unwrap();
            group.send(&SdkMessage::new("m", &[&name]).unwrap()).await.unwrap();
            assert_eq!(client.arguments().await, serde_json::json!([name]));
            group.remove_connection(&id).await.unwrap();
            assert!(!group.exists().await.unwrap());
        });
        Ok(())
    };
    runner(60).run(&groups, survives).unwrap();
}

#[test]
fn any_user_id_survives() {
    let setup = set_up();
    let survives = |name: String| {
        setup.runtime.block_on(async {
            let user = setup.hub.user(UserId::parse(&name).unwrap());
            let group = GroupName::parse("g").unwrap();
            assert!(!user.is_in_group(&group).await.unwrap());
            user.add_to_group(&group, None).await.unwrap();
            assert!(user.is_in_group(&group).await.unwrap());
            user.remove_from_all_groups().await.unwrap();
        });
        Ok(())
    };
    runner(60).run(&names(), survives).unwrap();
}

/// JSON texts of any shape, with white space and number forms that values would lose.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "\"(\\\\u[0-9a-f]{4}|\\\\[\"\\\\/bfnrt]|[a-z]){0,9}\"",
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let key = any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap());
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(", "))),
            vec((key, inner), 0..5).prop_map(|fields| {
                let fields: Vec<String> =
                    fields.iter().map(|(key, value)| format!("{key} : {value}")).collect();
                format!("{{{}\n}}", fields.join(","))
            }),
        ]
    })
}

#[test]
fn any_json_arrives_to_the_letter() {
    let setup = set_up();
    let arrays = vec(json(), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
    let arrives = |arguments: String| {
        setup.runtime.block_on(async {
            let expected =
                format!("{{\"type\":1,\"target\":\"m\",\"arguments\":{arguments}}}\u{1e}");
            let mut client = setup.client.lock().await;

            let raw = RawValue::from_string(arguments.clone()).unwrap();
            setup.hub.broadcast(&SdkMessage::from_raw("m", raw).unwrap()).await.unwrap();
            assert_eq!(client.text().await, expected);

            let call = setup.service.call(Method::POST, "/api/v1/hubs/chat");
            let body = format!("{{\"target\":\"m\",\"arguments\":{arguments}}}");
            let call = call.header("content-type", "application/json").body(body);
            assert_eq!(call.send().await.unwrap().status(), 202);
            assert_eq!(client.text().await, expected);
        });
        Ok(())
    };
    runner(100).run(&arrays, arrives).unwrap();
}
