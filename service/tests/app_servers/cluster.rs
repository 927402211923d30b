//! App servers of a cluster: those that send reach the clients of all nodes.

use serde_json::json;
use signalr_server_protocol::{
    AckStatus, CheckUserInGroupWithAck, ClientInvocation, ConnectionKind, Extensions,
    GroupBroadcastData, GroupMemberQuery, GroupMembers, HandshakeRequest, JoinGroupWithAck,
    Message, Payloads, UserData, UserJoinGroup, UserJoinGroupWithAck, UserLeaveGroup,
};

use crate::{
    app::{App, dial},
    nodes::node,
    redis::Redis,
    service::{in_time, start},
};

fn none() -> Extensions {
    Extensions::default()
}

fn invocation(client: &str) -> ClientInvocation {
    let call = format!(
        "{}\u{1e}",
        json!({ "type": 1, "invocationId": "q", "target": "m", "arguments": [] })
    );
    ClientInvocation {
        invocation_id: "q".to_owned(),
        connection_id: client.to_owned(),
        caller_server_id: "a".to_owned(),
        payloads: Payloads(vec![("json".to_owned(), call.into())]),
        extensions: none(),
    }
}

fn numbered(number: usize) -> Payloads {
    let message = json!({ "type": 1, "target": "m", "arguments": [number] });
    Payloads(vec![("json".to_owned(), format!("{message}\u{1e}").into())])
}

fn to_group(group: &str, number: usize) -> GroupBroadcastData {
    GroupBroadcastData {
        group: group.to_owned(),
        excluded: vec![],
        payloads: numbered(number),
        extensions: none(),
        excluded_users: vec![],
        caller_user_id: None,
    }
}

#[tokio::test]
async fn an_app_asks_a_client_of_another_node() {
    let redis = Redis::start().await;
    let (here, there) = (node(&redis).await, node(&redis).await);
    let mut app = App::connect(&here, "a", ConnectionKind::Weak).await;
    let mut ann = there.connect(Some("ann")).await;
    app.send(invocation(&ann.id)).await;
    assert_eq!(ann.next().await["invocationId"], "q");
    ann.send(&json!({ "type": 3, "invocationId": "q", "result": "yes" })).await;
    match app.next().await {
        Message::ClientCompletion(completion) => {
            assert_eq!(
                (completion.invocation_id.as_str(), completion.encoding.as_str()),
                ("q", "json")
            );
            assert!(
                str::from_utf8(&completion.payload).unwrap().contains("\"result\":\"yes\""),
                "{completion:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    // One that is nowhere, and one that leaves before it answers.
    app.send(invocation("nobody")).await;
    assert!(matches!(app.next().await, Message::ErrorCompletion(_)));
    app.send(invocation(&ann.id)).await;
    ann.next().await;
    ann.socket.close(None).await.unwrap();
    assert!(matches!(app.next().await, Message::ErrorCompletion(_)));
}

#[tokio::test]
async fn the_members_of_a_group_are_those_of_all_nodes() {
    let redis = Redis::start().await;
    let (here, there) = (node(&redis).await, node(&redis).await);
    let mut app = App::connect(&here, "a", ConnectionKind::Weak).await;
    let (ann, bob) = (here.connect(Some("ann")).await, there.connect(Some("bob")).await);
    for client in [&ann, &bob] {
        let (connection_id, group) = (client.id.clone(), "g".to_owned());
        app.send(JoinGroupWithAck { connection_id, group, ack_id: 1, extensions: none() }).await;
        assert_eq!(app.ack().await, (1, AckStatus::Ok));
    }
    let query = GroupMemberQuery {
        extensions: none(),
        group: "g".to_owned(),
        ack_id: 2,
        top: None,
        continuation: None,
        page_size: None,
    };
    app.send(query).await;
    let members = GroupMembers::decode(app.whole_ack().await.payload.unwrap()).unwrap().members;
    let mut users: Vec<_> = members.into_iter().filter_map(|member| member.user_id).collect();
    users.sort();
    assert_eq!(users, ["ann", "bob"]);
}

#[tokio::test]
async fn while_the_broker_is_away_an_app_learns_that_nothing_is_done() {
    let redis = Redis::start().await;
    let here = node(&redis).await;
    let mut app = App::connect(&here, "a", ConnectionKind::Weak).await;
    drop(redis);
    in_time(async {
        loop {
            let (connection_id, group) = ("nobody".to_owned(), "g".to_owned());
            app.send(JoinGroupWithAck { connection_id, group, ack_id: 1, extensions: none() })
                .await;
            if app.ack().await.1 == AckStatus::InternalServerError {
                return;
            }
        }
    })
    .await;
    // The client may be connected to another node.
    app.send(invocation("somebody")).await;
    match app.next().await {
        Message::ErrorCompletion(failed) => {
            assert!(failed.error.contains("the broker"), "{failed:?}");
        }
        other => panic!("{other:?}"),
    }
}

/// The broker takes its time, and only what needs its answer waits.
#[tokio::test]
async fn an_app_is_not_held_up_by_the_broker() {
    let redis = Redis::start().await;
    let here = node(&redis).await;
    let mut app = App::connect(&here, "a", ConnectionKind::Weak).await;
    let mut ann = here.connect(Some("ann")).await;
    assert_eq!(redis.ask(&["CLIENT", "PAUSE", "60000", "WRITE"]), "OK");
    let (user_id, group) = ("ann".to_owned(), "g".to_owned());
    let join = UserJoinGroupWithAck {
        user_id: user_id.clone(),
        group: group.clone(),
        ack_id: 1,
        extensions: none(),
    };
    app.send(join).await;
    let extensions = none();
    app.send(CheckUserInGroupWithAck { user_id, group, ack_id: 2, extensions }).await;
    let user_id = "ann".to_owned();
    app.send(UserData { user_id, payloads: numbered(7), extensions: none() }).await;
    tokio::select! {
        ack = app.ack() => panic!("{ack:?} came first"),
        arguments = ann.arguments() => assert_eq!(arguments, json!([7])),
    }
    assert_eq!(redis.ask(&["CLIENT", "UNPAUSE"]), "OK");
    assert_eq!(app.ack().await, (1, AckStatus::Ok));
    assert_eq!(app.ack().await, (2, AckStatus::Ok));
}

/// What an app says in a row is done in a row, though nothing waits for the broker's answers.
#[tokio::test]
async fn a_user_is_in_a_group_for_the_next_message() {
    let redis = Redis::start().await;
    let (here, there) = (node(&redis).await, node(&redis).await);
    let mut app = App::connect(&here, "a", ConnectionKind::Weak).await;
    let mut clients = [here.connect(Some("ann")).await, there.connect(Some("ann")).await];
    for number in 0..50 {
        let (user_id, group) = ("ann".to_owned(), format!("g{number}"));
        app.send(UserJoinGroup {
            user_id: user_id.clone(),
            group: group.clone(),
            extensions: none(),
        })
        .await;
        app.send(to_group(&group, number)).await;
        app.send(UserLeaveGroup { user_id, group: Some(group.clone()), extensions: none() }).await;
        app.send(to_group(&group, 1000)).await;
    }
    for number in 0..50 {
        for client in &mut clients {
            assert_eq!(client.arguments().await, json!([number]));
        }
    }
}

#[tokio::test]
async fn an_app_that_would_serve_clients_is_refused_with_the_reason() {
    let redis = Redis::start().await;
    let node = node(&redis).await;
    for kind in [ConnectionKind::Default, ConnectionKind::OnDemand] {
        let mut app = dial(&node, "chat", "a").await.unwrap();
        app.send(HandshakeRequest::new(kind)).await;
        match app.next().await {
            Message::HandshakeResponse(response) => {
                let error = response.error.unwrap();
                assert!(error.contains("--broker") && error.contains("persistent"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert!(app.try_next().await.is_none());
    }
    // Alone it may.
    App::connect(&start().await, "a", ConnectionKind::Default).await;
}
