//! Messages for many clients. The equivalents are the sends of REST.

use std::sync::Arc;

use signalr_server_protocol::{
    BroadcastData, Extensions, GroupBroadcastData, MultiConnectionData, MultiGroupBroadcastData,
    MultiUserData, Payloads, UserData,
};
use signalr_serverless::{ConnectionId, GroupName, UserId};

use super::{app::App, in_turn::Concerned, payloads::message};
use crate::{
    filter::Filter,
    hub::{
        command::{Action, Recipients, Step, Target},
        message::Message,
    },
};

pub(super) async fn to_all(app: &App, data: BroadcastData) {
    let filter = data.extensions.filter.as_deref();
    send(app, Target::Hub, &data.excluded, &[], filter, &message(data.payloads)).await;
}

pub(super) async fn to_connections(app: &App, data: MultiConnectionData) {
    let connections = data.connection_ids.iter().filter_map(|id| ConnectionId::parse(id).ok());
    each(app, connections.map(Target::Connection).collect(), data.payloads, &data.extensions).await;
}

pub(super) async fn to_user(app: &App, data: UserData) {
    let user = UserId::parse(&data.user_id).ok();
    each(app, user.map(Target::User).into_iter().collect(), data.payloads, &data.extensions).await;
}

pub(super) async fn to_users(app: &App, data: MultiUserData) {
    let users = data.user_ids.iter().filter_map(|id| UserId::parse(id).ok());
    each(app, users.map(Target::User).collect(), data.payloads, &data.extensions).await;
}

pub(super) async fn to_group(app: &App, data: GroupBroadcastData) {
    let Ok(group) = GroupName::parse(&data.group) else { return };
    let filter = data.extensions.filter.as_deref();
    let (excluded, users) = (&data.excluded, &data.excluded_users);
    send(app, Target::Group(group), excluded, users, filter, &message(data.payloads)).await;
}

pub(super) async fn to_groups(app: &App, data: MultiGroupBroadcastData) {
    let groups = data.groups.iter().filter_map(|name| GroupName::parse(name).ok());
    each(app, groups.map(Target::Group).collect(), data.payloads, &data.extensions).await;
}

async fn each(app: &App, targets: Vec<Target>, payloads: Payloads, extensions: &Extensions) {
    let message = message(payloads);
    for target in targets {
        send(app, target, &[], &[], extensions.filter.as_deref(), &message).await;
    }
}

async fn send(
    app: &App,
    target: Target,
    excluded: &[String],
    excluded_users: &[String],
    filter: Option<&str>,
    message: &Arc<Message>,
) {
    let message = Arc::clone(message);
    app.in_force(&target).await;
    let action = if filter.is_none() && excluded_users.is_empty() {
        let excluded = excluded.iter().filter_map(|id| ConnectionId::parse(id).ok()).collect();
        Action::Send { recipients: Recipients { target, excluded }, message }
    } else {
        let text = filter_of(&target, excluded, excluded_users, filter);
        match text.parse::<Filter>() {
            Ok(filter) => {
                // The filter may name groups.
                app.in_turn.done(&Concerned::All).await;
                Action::Execute { filter: Some(filter), steps: vec![Step::Send(message)] }
            }
            Err(error) => {
                tracing::warn!(%error, "a message of an app has a filter that cannot be read");
                return;
            }
        }
    };
    if let Err(error) = app.state.cluster.submit(app.hub(), action).await {
        tracing::debug!(%error, "a message of an app is not sent");
    }
}

/// A filter with the same meaning.
fn filter_of(
    target: &Target,
    excluded: &[String],
    excluded_users: &[String],
    filter: Option<&str>,
) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let target = match target {
        Target::Hub => None,
        Target::Group(group) => Some(format!("{} in groups", quoted(group.as_str()))),
        Target::User(user) => Some(format!("userId eq {}", quoted(user.as_str()))),
        Target::Connection(id) => Some(format!("connectionId eq {}", quoted(id.as_str()))),
    };
    let without = excluded.iter().map(|id| format!("connectionId ne {}", quoted(id)));
    let without_users = excluded_users.iter().map(|id| format!("not (userId eq {})", quoted(id)));
    let parts = target.into_iter().chain(without).chain(without_users);
    let parts = parts.chain(filter.map(|filter| format!("({filter})")));
    parts.collect::<Vec<_>>().join(" and ")
}
