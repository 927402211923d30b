//! The messages of an app, and the handler of each one.

use signalr_server_protocol::Message;

use super::{
    app::App, client_results, clients, closing, existence, groups, keys, logins, pings,
    reader::End, sends,
};

/// Takes one message of an app. When this returns, its commands are in the queues of the shards, or
/// in the queue for changes of users' groups. So the commands of one server connection are carried
/// out in order.
pub(super) async fn take(app: &App, message: Message) -> Result<(), End> {
    match message {
        Message::Ping(ping) => pings::take(app, &ping).await,
        Message::ConnectionData(data) => clients::data(app, data).await,
        Message::CloseConnection(close) => clients::close(app, close).await,
        Message::MultiConnectionData(data) => sends::to_connections(app, data).await,
        Message::UserData(data) => sends::to_user(app, data).await,
        Message::MultiUserData(data) => sends::to_users(app, data).await,
        Message::BroadcastData(data) => sends::to_all(app, data).await,
        Message::GroupBroadcastData(data) => sends::to_group(app, data).await,
        Message::MultiGroupBroadcastData(data) => sends::to_groups(app, data).await,
        Message::JoinGroup(join) => {
            groups::join(app, &join.connection_id, &join.group, None).await;
        }
        Message::JoinGroupWithAck(join) => {
            groups::join(app, &join.connection_id, &join.group, Some(join.ack_id)).await;
        }
        Message::LeaveGroup(leave) => {
            groups::leave(app, &leave.connection_id, leave.group.as_deref(), None).await;
        }
        Message::LeaveGroupWithAck(leave) => {
            let group = leave.group.as_deref();
            groups::leave(app, &leave.connection_id, group, Some(leave.ack_id)).await;
        }
        Message::UserJoinGroup(join) => {
            groups::join_user(app, &join.user_id, &join.group, join.extensions.ttl, None).await;
        }
        Message::UserJoinGroupWithAck(join) => {
            let (ttl, ack_id) = (join.extensions.ttl, Some(join.ack_id));
            groups::join_user(app, &join.user_id, &join.group, ttl, ack_id).await;
        }
        Message::UserLeaveGroup(leave) => {
            groups::leave_user(app, &leave.user_id, leave.group.as_deref(), None).await;
        }
        Message::UserLeaveGroupWithAck(leave) => {
            let group = leave.group.as_deref();
            groups::leave_user(app, &leave.user_id, group, Some(leave.ack_id)).await;
        }
        Message::CheckUserInGroupWithAck(check) => existence::of_user_in_group(app, check).await,
        Message::CheckGroupExistenceWithAck(check) => existence::of_group(app, check).await,
        Message::CheckConnectionExistenceWithAck(check) => {
            existence::of_connection(app, check).await;
        }
        Message::CheckUserExistenceWithAck(check) => existence::of_user(app, check).await,
        Message::GroupMemberQuery(query) => existence::members(app, query).await,
        Message::CloseConnectionWithAck(close) => closing::one(app, close).await,
        Message::CloseConnectionsWithAck(close) => closing::all(app, close).await,
        Message::CloseUserConnectionsWithAck(close) => closing::of_user(app, close).await,
        Message::CloseGroupConnectionsWithAck(close) => closing::of_group(app, close).await,
        Message::ClientInvocation(invocation) => client_results::ask(app, invocation).await,
        Message::ClientCompletion(completion) => {
            app.state.app_servers.questions.answer(&app.link.hub, completion);
        }
        Message::AccessKeyRequest(request) => keys::answer(app, request).await,
        Message::RefreshAuth(refresh) => logins::refresh(app, refresh).await,
        Message::GetConnectionClaims(get) => logins::claims_of(app, get).await,
        Message::HandshakeRequest(_) => return Err(End::Handshake),
        // An SDK reports that it delays a client. The service never asks for that.
        Message::ConnectionFlowControl(_)
        | Message::ErrorCompletion(_)
        // Only the service sends these.
        | Message::HandshakeResponse(_)
        | Message::OpenConnection(_)
        | Message::ServiceError(_)
        | Message::Ack(_)
        | Message::ServiceEvent(_)
        | Message::AccessKeyResponse(_)
        | Message::ServiceMapping(_)
        | Message::ConnectionReconnect(_)
        | Message::UpdateConnectionClaims(_) => {
            tracing::debug!(message = message.name(), "a message of an app is passed over");
        }
    }
    Ok(())
}
