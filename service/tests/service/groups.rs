use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Running, in_time, start};

const API: &str = "?api-version=2024-12-01";

async fn user_in_group(service: &Running, user: &str, group: &str) -> bool {
    let path = format!("/api/hubs/chat/users/{user}/groups/{group}{API}");
    service.status(Method::HEAD, &path).await == StatusCode::OK
}

async fn group_has_connections(service: &Running, group: &str) -> bool {
    let path = format!("/api/hubs/chat/groups/{group}{API}");
    service.status(Method::HEAD, &path).await == StatusCode::OK
}

#[tokio::test]
async fn a_users_later_connections_are_in_the_group_too() {
    let service = start().await;
    let path = format!("/api/hubs/chat/users/ann/groups/g{API}");
    assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
    assert!(user_in_group(&service, "ann", "g").await);
    assert!(!group_has_connections(&service, "g").await);
    let mut ann = service.connect(Some("ann")).await;
    service.send("/api/v1/hubs/chat/groups/g", json!([1])).await;
    assert_eq!(ann.arguments().await, json!([1]));
    assert_eq!(service.status(Method::DELETE, &path).await, StatusCode::NO_CONTENT);
    assert!(!user_in_group(&service, "ann", "g").await);
    assert!(!group_has_connections(&service, "g").await);
}

#[tokio::test]
async fn a_ttl_of_zero_is_for_the_connections_of_now() {
    let service = start().await;
    let _now = service.connect(Some("ann")).await;
    let path = format!("/api/hubs/chat/users/ann/groups/g{API}&ttl=0");
    assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
    assert!(user_in_group(&service, "ann", "g").await);
    let later = service.connect(Some("ann")).await;
    let path = format!("/api/hubs/chat/groups/g/connections{API}");
    let list: Value = service.call(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["value"].as_array().unwrap().len(), 1);
    assert_ne!(list["value"][0]["connectionId"], later.id.as_str());
}

#[tokio::test]
async fn open_connections_leave_a_group_when_its_time_is_over() {
    let service = start().await;
    let mut ann = service.connect(Some("ann")).await;
    let path = format!("/api/hubs/chat/users/ann/groups/g{API}&ttl=1");
    assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
    service.send("/api/v1/hubs/chat/groups/g", json!(["in time"])).await;
    assert_eq!(ann.arguments().await, json!(["in time"]));
    in_time(async { while group_has_connections(&service, "g").await {} }).await;
    service.send("/api/v1/hubs/chat/groups/g", json!(["late"])).await;
    service.broadcast(json!(["all"])).await;
    assert_eq!(ann.arguments().await, json!(["all"]));
}

#[tokio::test]
async fn a_connection_that_joined_by_itself_stays_when_its_user_leaves() {
    let service = start().await;
    let ann = service.connect(Some("ann")).await;
    let by_user = format!("/api/hubs/chat/users/ann/groups/g{API}");
    let by_itself = format!("/api/hubs/chat/groups/g/connections/{}{API}", ann.id);
    assert_eq!(service.status(Method::PUT, &by_user).await, StatusCode::OK);
    assert_eq!(service.status(Method::PUT, &by_itself).await, StatusCode::OK);
    let all = format!("/api/hubs/chat/users/ann/groups{API}");
    assert_eq!(service.status(Method::DELETE, &all).await, StatusCode::NO_CONTENT);
    assert!(group_has_connections(&service, "g").await);
    assert_eq!(service.status(Method::DELETE, &by_itself).await, StatusCode::OK);
    assert!(!group_has_connections(&service, "g").await);
}

#[tokio::test]
async fn a_connection_leaves_all_its_groups_at_once() {
    let service = start().await;
    let client = service.connect(None).await;
    for group in ["a", "b"] {
        let path = format!("/api/hubs/chat/groups/{group}/connections/{}{API}", client.id);
        assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
    }
    let path = format!("/api/hubs/chat/connections/{}/groups{API}", client.id);
    assert_eq!(service.status(Method::DELETE, &path).await, StatusCode::OK);
    for group in ["a", "b"] {
        assert!(!group_has_connections(&service, group).await);
    }
}

#[tokio::test]
async fn a_group_is_empty_when_its_last_connection_ends() {
    let service = start().await;
    let mut client = service.connect(Some("ann")).await;
    let path = format!("/api/hubs/chat/groups/g/connections/{}{API}", client.id);
    assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
    client.socket.close(None).await.unwrap();
    client.ended().await;
    service.until(|counters| counters.connections() == 0).await;
    assert!(!group_has_connections(&service, "g").await);
    assert_eq!(
        service.status(Method::GET, "/api/v1/hubs/chat/users/ann").await,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn odd_names_are_names_like_others() {
    let service = start().await;
    let mut client = service.connect(Some("ann")).await;
    for group in ["a/b", "a%2Fb", "é ü", "a?b#c", "💬", "a\nb"] {
        let encoded: String = group.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/api/hubs/chat/groups/{encoded}/connections/{}{API}", client.id);
        assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK, "{group}");
        service.send(&format!("/api/hubs/chat/groups/{encoded}/:send{API}"), json!([group])).await;
        assert_eq!(client.arguments().await, json!([group]));
    }
}

#[tokio::test]
async fn pages_hold_every_member_once() {
    let service = start().await;
    let mut ids = Vec::new();
    let mut clients = Vec::new();
    for number in 0..7 {
        let user = (number % 2 == 0).then(|| format!("user{number}"));
        let client = service.connect(user.as_deref()).await;
        let path = format!("/api/hubs/chat/groups/g/connections/{}{API}", client.id);
        assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
        ids.push(client.id.clone());
        clients.push(client);
    }
    ids.sort();
    let list = async |query: &str| {
        let mut found: Vec<String> = Vec::new();
        let mut pages = 0;
        let mut path = Some(format!("/api/hubs/chat/groups/g/connections{API}{query}"));
        while let Some(current) = path {
            assert!(pages < 100, "the pages have no end");
            let response = service.call(Method::GET, &current).send().await.unwrap();
            let page: Value = response.json().await.unwrap();
            for member in page["value"].as_array().unwrap() {
                found.push(member["connectionId"].as_str().unwrap().to_owned());
            }
            let base = format!("http://{}", service.host);
            let next = page.get("nextLink").map(|link| link.as_str().unwrap().to_owned());
            path = next.map(|link| link.strip_prefix(&base).unwrap().to_owned());
            pages += 1;
        }
        (found, pages)
    };
    let (in_order, pages) = list("").await;
    let mut sorted = in_order.clone();
    sorted.sort();
    assert_eq!((sorted, pages), (ids, 1));
    assert_eq!(list("&maxPageSize=3").await, (in_order.clone(), 3));
    assert_eq!(list("&maxpagesize=7").await, (in_order.clone(), 1));
    assert_eq!(list("&maxpagesize=2&top=5").await, (in_order[..5].to_vec(), 3));
    for bad in [
        "&maxpagesize=0",
        "&maxpagesize=201",
        "&top=0",
        "&top=x",
        "&continuationToken=%20",
        "&continuationToken=MS0",
    ] {
        let path = format!("/api/hubs/chat/groups/g/connections{API}{bad}");
        assert_eq!(service.status(Method::GET, &path).await, StatusCode::BAD_REQUEST, "{bad}");
    }
    let members = format!("/api/hubs/chat/groups/empty/connections{API}");
    let empty: Value =
        service.call(Method::GET, &members).send().await.unwrap().json().await.unwrap();
    assert_eq!(empty, json!({ "value": [] }));
}

#[tokio::test]
async fn a_next_page_is_right_although_members_came_and_went() {
    let service = start().await;
    let path = format!("/api/hubs/chat/groups/g/connections{API}&maxpagesize=3");
    let join = async |client: &crate::client::Client| {
        let path = format!("/api/hubs/chat/groups/g/connections/{}{API}", client.id);
        assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
    };
    let mut clients = Vec::new();
    for _ in 0..6 {
        let client = service.connect(None).await;
        join(&client).await;
        clients.push(client);
    }
    let all = format!("/api/hubs/chat/groups/g/connections{API}");
    let all: Value = service.call(Method::GET, &all).send().await.unwrap().json().await.unwrap();
    let place = |id: &str| {
        let members = all["value"].as_array().unwrap();
        members.iter().position(|member| member["connectionId"] == id).unwrap()
    };
    clients.sort_by_key(|client| place(&client.id));
    let first = service
        .call(Method::GET, &path)
        .header("x-forwarded-host", "signalr.example")
        .header("x-forwarded-proto", "https");
    let first: Value = first.send().await.unwrap().json().await.unwrap();
    let next = first["nextLink"].as_str().unwrap();
    let next = next.strip_prefix("https://signalr.example").expect(next);

    // The last member of the page leaves, and the first of the next one.
    let leavers = [clients.remove(2), clients.remove(2)];
    for client in &leavers {
        let path = format!("/api/hubs/chat/groups/g/connections/{}{API}", client.id);
        assert_eq!(service.status(Method::DELETE, &path).await, StatusCode::OK);
    }
    let second: Value = service.call(Method::GET, next).send().await.unwrap().json().await.unwrap();
    let ids: Vec<&str> = second["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["connectionId"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [clients[2].id.as_str(), clients[3].id.as_str()]);
    assert_eq!(second.get("nextLink"), None);
}
