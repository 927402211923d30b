//! Who is in a group, page by page; and questions that are answered with a no.

use reqwest::Method;
use signalr_server_protocol::{
    AckStatus, ConnectionKind, Extensions, GetConnectionClaims, GroupMemberQuery, GroupMembers,
    Message, Ping, Secret,
};

use crate::{app::App, service::start};

fn query(
    group: &str,
    top: Option<i32>,
    page: Option<i32>,
    after: Option<String>,
) -> GroupMemberQuery {
    GroupMemberQuery {
        extensions: Extensions::default(),
        group: group.to_owned(),
        ack_id: 1,
        top,
        continuation: after,
        page_size: page,
    }
}

#[tokio::test]
async fn the_members_of_a_group_come_in_pages() {
    let service = start().await;
    let mut clients = Vec::new();
    for user in ["a", "b", "c"] {
        let client = service.connect(Some(user)).await;
        let path = format!("/api/v1/hubs/chat/groups/g/connections/{}", client.id);
        assert!(service.status(Method::PUT, &path).await.is_success());
        clients.push(client);
    }
    let mut app = App::connect(&service, "a", ConnectionKind::Weak).await;
    let mut found = Vec::new();
    let mut after = None;
    for pages_left in [true, false] {
        app.send(query("g", None, Some(2), after)).await;
        let page = GroupMembers::decode(app.whole_ack().await.payload.unwrap()).unwrap();
        assert_eq!(page.continuation.is_some(), pages_left);
        after = page.continuation;
        found.extend(page.members.into_iter().map(|member| member.user_id.unwrap()));
    }
    found.sort();
    assert_eq!(found, ["a", "b", "c"]);
    app.send(query("g", Some(1), None, None)).await;
    let page = GroupMembers::decode(app.whole_ack().await.payload.unwrap()).unwrap();
    assert_eq!(page.members.len(), 1);
    app.send(query("nobody's", None, None, None)).await;
    let ack = app.whole_ack().await;
    assert_eq!(ack.payload.unwrap(), &b"\x92\x90\xc0"[..]);
    app.send(query("g", None, None, Some("no continuation".to_owned()))).await;
    assert_eq!(app.ack().await.1, AckStatus::Forbidden);
}

#[tokio::test]
async fn a_connection_token_that_is_not_known_is_not_found() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let (connection_token, extensions) = (Secret("x".to_owned()), Extensions::default());
    app.send(GetConnectionClaims { connection_token, ack_id: 4, extensions }).await;
    assert_eq!(app.ack().await, (4, AckStatus::NotFound));
}

#[tokio::test]
async fn pings_that_ask_are_answered() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let _other = App::connect(&service, "b", ConnectionKind::Default).await;
    app.send(Ping::note("status", "1")).await;
    assert_eq!(app.next().await, Message::Ping(Ping::note("status", "0")));
    app.send(Ping::note("servers", "")).await;
    match app.next().await {
        Message::Ping(ping) => {
            let servers = ping.value("servers").unwrap().split_once(':').unwrap().1.to_owned();
            assert_eq!(servers, "a;b");
        }
        other => panic!("{other:?}"),
    }
}
