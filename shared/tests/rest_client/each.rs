//! Calls to several users, groups and connections.

use std::num::NonZeroUsize;

use signalr_serverless::{
    ConnectionId, Error, GroupName, UserId,
    rest::{Hub, Message},
};

use crate::server::{Server, status};

fn message() -> Message {
    Message::new("m", &()).unwrap()
}

fn users(count: usize) -> Vec<UserId> {
    (0..count).map(|id| UserId::parse(&format!("u{id}")).unwrap()).collect()
}

#[tokio::test]
async fn results_are_in_the_order_of_the_input() {
    let mut server =
        Server::start(|request| status(if request.target.contains("u3") { 400 } else { 202 }))
            .await;
    let results = server.hub().users(users(40)).send(&message()).await;
    let failed: Vec<_> = (0..results.len()).filter(|&at| results[at].is_err()).collect();
    assert_eq!((results.len(), failed[0], failed.len()), (40, 3, 11), "u3 and u30 to u39");
    assert!(matches!(&results[3], Err(Error::Refused(refusal)) if refusal.status == 400));
    assert_eq!(server.count(), 40);
    assert!(server.connections() <= 16);
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_allowed() {
    let server = Server::start(|_| status(202)).await;
    let one = NonZeroUsize::MIN;
    let results = server.hub().users(users(5)).with_at_once(one).send(&message()).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn nobody_is_no_call() {
    let server = Server::start(|_| status(202)).await;
    assert!(server.hub().users([]).send(&message()).await.is_empty());
    assert_eq!(server.connections(), 0);
}

/// The calls that come from a fan-out to two, in the order of the input.
async fn calls_of<R>(call: impl AsyncFnOnce(&Hub) -> Vec<Result<R, Error>>) -> Vec<String> {
    let mut server = Server::start(|_| status(200)).await;
    let results = call(&server.hub()).await;
    assert!(results.len() == 2 && results.iter().all(Result::is_ok));
    let mut seen: Vec<_> = (0..2).map(|_| server.request()).collect();
    seen.sort_by(|a, b| a.target.cmp(&b.target));
    let call = |request: crate::server::Request| {
        let target = request.target.replace("/api/hubs/chat/", "");
        format!("{} {}", request.method, target.replace("api-version=2024-12-01", ""))
    };
    seen.into_iter().map(call).collect()
}

#[tokio::test]
async fn every_fan_out_makes_its_call_for_each() {
    let group = |name: &str| GroupName::parse(name).unwrap();
    let id = |id: &str| ConnectionId::parse(id).unwrap();
    let groups = || [group("a"), group("b")];
    let ids = || [id("a"), id("b")];
    let (x, excluded, m) = (group("x"), [id("y")], message());

    let calls = [
        calls_of(async |hub| hub.users(users(2)).send(&m).await).await,
        calls_of(async |hub| hub.users(users(2)).add_to_group(&x, None).await).await,
        calls_of(async |hub| hub.users(users(2)).remove_from_group(&x).await).await,
        calls_of(async |hub| hub.users(users(2)).close_connections(&excluded, None).await).await,
        calls_of(async |hub| hub.groups(groups()).send(&m).await).await,
        calls_of(async |hub| hub.groups(groups()).send_except(&m, &excluded).await).await,
        calls_of(async |hub| hub.groups(groups()).close_connections(&[], Some("r")).await).await,
        calls_of(async |hub| hub.connections(ids()).send(&m).await).await,
        calls_of(async |hub| hub.connections(ids()).add_to_group(&x).await).await,
        calls_of(async |hub| hub.connections(ids()).remove_from_group(&x).await).await,
        calls_of(async |hub| hub.connections(ids()).close(Some("r")).await).await,
        calls_of(async |hub| hub.groups(groups()).call(async |it| it.exists().await).await).await,
    ];
    let expected = [
        ["POST users/u0/:send?", "POST users/u1/:send?"],
        ["PUT users/u0/groups/x?", "PUT users/u1/groups/x?"],
        ["DELETE users/u0/groups/x?", "DELETE users/u1/groups/x?"],
        [
            "POST users/u0/:closeConnections?&excluded=y",
            "POST users/u1/:closeConnections?&excluded=y",
        ],
        ["POST groups/a/:send?", "POST groups/b/:send?"],
        ["POST groups/a/:send?&excluded=y", "POST groups/b/:send?&excluded=y"],
        ["POST groups/a/:closeConnections?&reason=r", "POST groups/b/:closeConnections?&reason=r"],
        ["POST connections/a/:send?", "POST connections/b/:send?"],
        ["PUT groups/x/connections/a?", "PUT groups/x/connections/b?"],
        ["DELETE groups/x/connections/a?", "DELETE groups/x/connections/b?"],
        ["DELETE connections/a?&reason=r", "DELETE connections/b?&reason=r"],
        ["HEAD groups/a?", "HEAD groups/b?"],
    ];
    assert_eq!(calls.map(|calls| calls.join("\n")), expected.map(|calls| calls.join("\n")));
}

#[tokio::test]
async fn a_fan_out_can_run_on_any_thread() {
    let server = Server::start(|_| status(202)).await;
    let hub = server.hub();
    let task = tokio::spawn(async move { hub.users(users(2)).send(&message()).await });
    assert_eq!(task.await.unwrap().len(), 2);
}
