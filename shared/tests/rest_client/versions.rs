//! Every operation in every version: a missing operation is an error before anything is sent, and a
//! present one goes to the path in the table.

use std::time::Duration;

use signalr_serverless::{
    ApplicationName, ConnectionId, ConnectionString, Error, Fault, GroupName, HubName, StreamId,
    UserId,
    rest::{ApiVersion, Command, Filter, LoginRenewal, Message, Operation, PageSize, RestClient},
};

use crate::server::{KEY, Server, success};

const MINUTE: Duration = Duration::from_secs(60);

/// Calls one operation.
async fn call(client: &RestClient, operation: Operation) -> Result<(), Error> {
    let message = &Message::new("m", &()).unwrap();
    let (user, group) = (UserId::parse("u").unwrap(), GroupName::parse("g").unwrap());
    let id = ConnectionId::parse("c").unwrap();
    let hub = client.hub(HubName::parse("chat").unwrap());
    let (u, g, c) = (hub.user(user.clone()), hub.group(group.clone()), hub.connection(id.clone()));
    let stream = c.stream(StreamId::parse("s").unwrap());
    let login = hub.login("t");
    let leave = Command::LeaveGroup { group: group.clone() };
    match operation {
        Operation::Broadcast => hub.broadcast(message).await,
        Operation::SendToUser => u.send(message).await,
        Operation::SendToUsers => hub.send_to_users(&[user], message).await,
        Operation::SendToGroup => g.send(message).await,
        Operation::SendToGroups => hub.send_to_groups(&[group], message).await,
        Operation::SendToConnection => c.send(message).await,
        Operation::InvokeConnection => c.invoke(message).await,
        Operation::SendStreamItem => stream.send(&1).await,
        Operation::CompleteStream => stream.complete(None).await,
        Operation::ConnectionExists => c.exists().await.map(drop),
        Operation::CloseConnection => c.close(None).await,
        Operation::CloseHubConnections => hub.close_connections(&[], None).await,
        Operation::CloseGroupConnections => g.close_connections(&[], None).await,
        Operation::CloseUserConnections => u.close_connections(&[], None).await,
        Operation::RefreshAuth => login.renew(&LoginRenewal::default()).await.map(drop),
        Operation::GetConnectionClaims => login.claims().await.map(drop),
        Operation::GroupExists => g.exists().await.map(drop),
        Operation::UserExists => u.exists().await.map(drop),
        Operation::AddConnectionToGroup => g.add_connection(&id).await.map(drop),
        Operation::RemoveConnectionFromGroup => g.remove_connection(&id).await,
        Operation::RemoveConnectionFromAllGroups => c.remove_from_all_groups().await,
        Operation::ListGroupConnections => g.list(PageSize::default(), None).await.map(drop),
        Operation::UserInGroup => u.is_in_group(&group).await.map(drop),
        Operation::AddUserToGroup => u.add_to_group(&group, None).await,
        Operation::RemoveUserFromGroup => u.remove_from_group(&group).await,
        Operation::RemoveUserFromAllGroups => u.remove_from_all_groups().await,
        Operation::Execute => hub.execute(None, &[leave]).await,
        Operation::GenerateToken => hub.generate_token(None, MINUTE).await.map(drop),
        Operation::AccessKey => client.access_key().await.map(drop),
        Operation::Health => client.health().await.map(drop),
        other => panic!("the SDK has no call for {other:?}"),
    }
}

#[tokio::test]
async fn every_operation_goes_where_the_table_says_or_nowhere() {
    let mut server = Server::start(success).await;
    let parameters = [
        ("{hub}", "chat"),
        ("{groups}", "g"),
        ("{group}", "g"),
        ("{users}", "u"),
        ("{user}", "u"),
        ("{connectionId}", "c"),
        ("{streamId}", "s"),
    ];
    for version in ApiVersion::ALL {
        let client = server.client().with_version(version);
        for &operation in Operation::ALL {
            let result = call(&client, operation).await;
            let Some(route) = operation.route(version) else {
                let error = result.unwrap_err();
                assert!(matches!(error, Error::UnsupportedOperation { .. }), "{error}");
                assert_eq!(error.fault(), Fault::Caller);
                assert!(!server.has_request(), "{operation:?} {version}");
                continue;
            };
            result.unwrap_or_else(|error| panic!("{operation:?} {version}: {error}"));
            let request = server.request();
            let path = parameters
                .iter()
                .fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value));
            let (found, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
            assert_eq!((request.method.as_str(), found), (route.method.as_str(), &*path));
            let named = query.split('&').find_map(|it| it.strip_prefix("api-version="));
            assert_eq!(named, version.is_in_query().then_some(version.as_str()), "{query}");
        }
    }
}

#[tokio::test]
async fn an_application_is_a_parameter_where_the_operation_has_it_and_else_part_of_the_hub() {
    let mut server = Server::start(success).await;
    for version in ApiVersion::ALL {
        let client = server.client().with_version(version);
        let client = client.with_application(ApplicationName::parse("shop").unwrap());
        for &operation in Operation::ALL {
            let Some(route) = operation.route(version) else { continue };
            call(&client, operation).await.unwrap();
            let target = server.request().target;
            let is_parameter = target.contains("application=shop");
            let is_prefix = target.contains("shop_chat");
            let of_a_hub = route.path.contains("{hub}");
            let has_parameter = operation.query().contains(&"application");
            assert_eq!(is_parameter, version.is_in_query() && has_parameter, "{target}");
            assert_eq!(is_prefix, of_a_hub && !is_parameter, "{target}");
        }
    }
}

#[tokio::test]
async fn v1_preview_has_its_own_port() {
    // No server is there. The error names the address that was tried.
    let service = ConnectionString::parse(&format!("Endpoint=http://127.77.0.1;AccessKey={KEY}"));
    let client = RestClient::new(&service.unwrap()).unwrap().with_version(ApiVersion::V1Preview);
    let error = call(&client, Operation::Broadcast).await.unwrap_err();
    assert!(error.to_string().contains("127.77.0.1:5002"), "{error}");
}

#[tokio::test]
async fn v1_preview_takes_lists_with_commas_and_nothing_else() {
    let mut server = Server::start(success).await;
    let client = server.client().with_version(ApiVersion::V1Preview);
    let hub = client.hub(HubName::parse("chat").unwrap());
    let message = Message::new("m", &()).unwrap();
    let users = |ids: &[&str]| ids.iter().map(|id| UserId::parse(id).unwrap()).collect::<Vec<_>>();
    let groups =
        |names: &[&str]| names.iter().map(|it| GroupName::parse(it).unwrap()).collect::<Vec<_>>();

    hub.send_to_users(&users(&["ann", "b/c d"]), &message).await.unwrap();
    assert_eq!(server.request().target, "/api/v1-preview/hub/chat/users/ann,b%2Fc%20d");
    hub.send_to_groups(&groups(&["g", ".."]), &message).await.unwrap();
    assert_eq!(server.request().target, "/api/v1-preview/hub/chat/groups/g,..");

    let excluded = [ConnectionId::parse("c").unwrap()];
    for (result, problem) in [
        (hub.send_to_users(&users(&["a", "b,c"]), &message).await, "user id 'b,c' has a comma"),
        (hub.send_to_groups(&groups(&[","]), &message).await, "group name ',' has a comma"),
        (hub.send_to_users(&[], &message).await, "user id is missing"),
        (hub.send_to_groups(&groups(&[".."]), &message).await, "group name is '.' or '..'"),
        (hub.broadcast_except(&message, &excluded).await, "excluded is not known"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.fault(), Fault::Caller);
        assert!(error.to_string().starts_with(problem), "{error}");
        assert!(!server.has_request());
    }
}

#[tokio::test]
async fn lifetimes_are_whole_minutes() {
    let mut server = Server::start(success).await;
    let hub = server.hub();
    let user = UserId::parse("a&b").unwrap();
    let token = hub.generate_token(Some(&user), 90 * MINUTE).await.unwrap();
    assert_eq!(token.as_str(), "a.b.c");
    assert_eq!(
        server.request().target,
        "/api/hubs/chat/:generateToken?api-version=2024-12-01&userId=a%26b&minutesToExpire=90"
    );
    let second = Duration::from_secs(1);
    for bad in [Duration::ZERO, second, MINUTE + second, MINUTE + second / 2, MINUTE * u32::MAX] {
        let error = hub.generate_token(None, bad).await.unwrap_err().to_string();
        assert!(error.ends_with("use whole minutes, 1 or more"), "{error}");
    }
    assert!(!server.has_request());
}

#[tokio::test]
async fn a_filter_and_commands_go_to_execute() {
    let mut server = Server::start(success).await;
    let filter = Filter::user_id().eq("o'neill & co");
    let message = Message::new("m", &(1,)).unwrap();
    let commands = [Command::SendMessage { message }, Command::CloseConnection { reason: None }];
    server.hub().execute(Some(&filter), &commands).await.unwrap();
    let request = server.request();
    let query = "filter=userId%20eq%20%27o%27%27neill%20%26%20co%27";
    assert_eq!(request.target, format!("/api/hubs/chat/:execute?api-version=2024-12-01&{query}"));
    let commands = concat!(
        r#"[{"type":"SendMessage","message":{"target":"m","arguments":[1]}},"#,
        r#"{"type":"CloseConnection"}]"#
    );
    assert_eq!(request.body, commands);
}

#[tokio::test]
async fn a_signing_key_is_read() {
    let server = Server::start(success).await;
    let signing_key = server.client().access_key().await.unwrap();
    assert_eq!((signing_key.key.as_bytes(), signing_key.id.as_str()), (b"secret".as_slice(), "1"));
}
