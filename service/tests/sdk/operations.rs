//! The walk through every operation of every version: what a version lacks is refused, and what it
//! has does what it should.

use signalr_serverless::{
    ConnectionId, Error, StreamId,
    rest::{ApiVersion, LoginRenewal, Message, Operation, PageSize},
};

use crate::{
    client::start,
    closing, groups, invocations, logins,
    nodes::node,
    redis::Redis,
    scene::{Nodes, Scene, group, message, user},
    sends, tokens,
};

#[tokio::test]
async fn every_operation_of_every_version_does_what_it_should() {
    check_all((&start().await).into()).await;
}

/// The same if anyone who calls reaches another node than the clients.
#[tokio::test]
async fn every_operation_does_the_same_through_another_node() {
    let redis = Redis::start().await;
    let (a, b, c) = (node(&redis).await, node(&redis).await, node(&redis).await);
    check_all(Nodes { callers: &a, clients: [&b, &c, &b] }).await;
}

async fn check_all(nodes: Nodes<'_>) {
    let mut checked = 0;
    for application in [None, Some("shop")] {
        for version in ApiVersion::ALL {
            for &operation in Operation::ALL {
                let scene = Scene::new(nodes, version, application).await;
                if operation.route(version).is_some() {
                    check(scene, version, operation).await;
                    checked += 1;
                } else {
                    is_refused(scene, operation).await;
                }
            }
        }
    }
    assert_eq!(checked, 2 * 135, "30 operations in the versions that have them");
}

async fn check(scene: Scene<'_>, version: ApiVersion, operation: Operation) {
    match operation {
        Operation::Broadcast => sends::broadcast(scene, version).await,
        Operation::SendToUser => sends::to_user(scene).await,
        Operation::SendToUsers => sends::to_users(scene).await,
        Operation::SendToGroup => sends::to_group(scene, version).await,
        Operation::SendToGroups => sends::to_groups(scene).await,
        Operation::SendToConnection => sends::to_connection(scene).await,
        Operation::InvokeConnection => invocations::invoke(scene).await,
        Operation::SendStreamItem => invocations::stream_items(scene).await,
        Operation::CompleteStream => invocations::stream_end(scene).await,
        Operation::RefreshAuth => logins::renew(scene).await,
        Operation::GetConnectionClaims => logins::claims(scene).await,
        Operation::ConnectionExists => closing::connection_exists(scene).await,
        Operation::UserExists => closing::user_exists(scene).await,
        Operation::CloseConnection => closing::connection(scene).await,
        Operation::CloseHubConnections => closing::hub(scene).await,
        Operation::CloseGroupConnections => closing::group(scene).await,
        Operation::CloseUserConnections => closing::user(scene).await,
        Operation::GroupExists => groups::exists(scene).await,
        Operation::AddConnectionToGroup => groups::add_connection(scene).await,
        Operation::RemoveConnectionFromGroup => groups::remove_connection(scene).await,
        Operation::RemoveConnectionFromAllGroups => groups::remove_connection_from_all(scene).await,
        Operation::ListGroupConnections => groups::list(scene).await,
        Operation::UserInGroup => groups::user_is_in(scene).await,
        Operation::AddUserToGroup => groups::add_user(scene).await,
        Operation::RemoveUserFromGroup => groups::remove_user(scene).await,
        Operation::RemoveUserFromAllGroups => groups::remove_user_from_all(scene).await,
        Operation::Execute => groups::execute(scene).await,
        Operation::GenerateToken => tokens::generate(scene).await,
        Operation::AccessKey => tokens::access_key(scene).await,
        Operation::Health => assert!(scene.rest.health().await.unwrap()),
        other => panic!("{other:?} is not tested"),
    }
}

/// Calls what the version lacks.
async fn is_refused(mut scene: Scene<'_>, operation: Operation) {
    let (hub, message) = (scene.hub.clone(), message());
    let (u, g, c) = (scene.ann(), scene.group(), scene.connection());
    let id = ConnectionId::parse("c").unwrap();
    let stream = c.stream(StreamId::parse("1").unwrap());
    let login = hub.login("t");
    let minute = std::time::Duration::from_secs(60);
    let result = match operation {
        Operation::SendToUsers => hub.send_to_users(&[user("ann")], &message).await,
        Operation::SendToGroups => hub.send_to_groups(&[group("g")], &message).await,
        Operation::SendToConnection => c.send(&message).await,
        Operation::InvokeConnection => c.invoke(&Message::new("m", &()).unwrap()).await,
        Operation::SendStreamItem => stream.send(&1).await,
        Operation::CompleteStream => stream.complete(None).await,
        Operation::RefreshAuth => login.renew(&LoginRenewal::default()).await.map(drop),
        Operation::GetConnectionClaims => login.claims().await.map(drop),
        Operation::ConnectionExists => c.exists().await.map(drop),
        Operation::UserExists => u.exists().await.map(drop),
        Operation::CloseConnection => c.close(None).await,
        Operation::CloseHubConnections => hub.close_connections(&[], None).await,
        Operation::CloseGroupConnections => g.close_connections(&[], None).await,
        Operation::CloseUserConnections => u.close_connections(&[], None).await,
        Operation::GroupExists => g.exists().await.map(drop),
        Operation::AddConnectionToGroup => g.add_connection(&id).await.map(drop),
        Operation::RemoveConnectionFromGroup => g.remove_connection(&id).await,
        Operation::RemoveConnectionFromAllGroups => c.remove_from_all_groups().await,
        Operation::ListGroupConnections => g.list(PageSize::default(), None).await.map(drop),
        Operation::UserInGroup => u.is_in_group(&group("g")).await.map(drop),
        Operation::AddUserToGroup => u.add_to_group(&group("g"), None).await,
        Operation::RemoveUserFromGroup => u.remove_from_group(&group("g")).await,
        Operation::RemoveUserFromAllGroups => u.remove_from_all_groups().await,
        Operation::Execute => hub.execute(None, &[]).await,
        Operation::GenerateToken => hub.generate_token(None, minute).await.map(drop),
        Operation::AccessKey => scene.rest.access_key().await.map(drop),
        Operation::Health => scene.rest.health().await.map(drop),
        other => panic!("no version lacks {other:?}"),
    };
    assert!(matches!(result, Err(Error::UnsupportedOperation { .. })), "{operation:?} {result:?}");
    scene.only(&[]).await;
}
