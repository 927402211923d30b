//! Requests of an app to close clients, with an ack. The SDKs of today close a single client
//! without an ack.

use std::{fmt::Display, sync::Arc};

use signalr_server_protocol::{
    CloseConnectionWithAck, CloseConnectionsWithAck, CloseGroupConnectionsWithAck,
    CloseUserConnectionsWithAck,
};
use signalr_serverless::{ConnectionId, GroupName, UserId};

use super::{acks::NotDone, app::App};
use crate::hub::command::{Action, Recipients, Target};

pub(super) async fn one(app: &App, close: CloseConnectionWithAck) {
    let target = target(ConnectionId::parse(&close.connection_id), Target::Connection);
    // Only this kind can fail because the client is missing, as in REST.
    carry_out(app, target, &[], close.reason, close.ack_id, |matched| matched > 0).await;
}

pub(super) async fn all(app: &App, close: CloseConnectionsWithAck) {
    let CloseConnectionsWithAck { reason, ack_id, excluded, .. } = close;
    carry_out(app, Ok(Target::Hub), &excluded, reason, ack_id, |_| true).await;
}

pub(super) async fn of_user(app: &App, close: CloseUserConnectionsWithAck) {
    let target = target(UserId::parse(&close.user_id), Target::User);
    carry_out(app, target, &close.excluded, close.reason, close.ack_id, |_| true).await;
}

pub(super) async fn of_group(app: &App, close: CloseGroupConnectionsWithAck) {
    let target = target(GroupName::parse(&close.group), Target::Group);
    carry_out(app, target, &close.excluded, close.reason, close.ack_id, |_| true).await;
}

fn target<T, E: Display>(
    name: Result<T, E>,
    target: impl Fn(T) -> Target,
) -> Result<Target, NotDone> {
    name.map(target).map_err(|error| NotDone::bad(&error))
}

async fn carry_out(
    app: &App,
    target: Result<Target, NotDone>,
    excluded: &[String],
    reason: Option<String>,
    ack_id: i32,
    is_done: fn(usize) -> bool,
) {
    let excluded = excluded.iter().filter_map(|id| ConnectionId::parse(id).ok()).collect();
    let begun = async {
        let target = target?;
        app.in_force(&target).await;
        let recipients = Recipients { target, excluded };
        let action = Action::Close { recipients, reason };
        Ok(app.state.cluster.begin(app.hub(), action).await?)
    };
    let begun = match begun.await {
        Ok(begun) => begun,
        Err(error) => return app.link.answer(ack_id, Err(error)),
    };
    let link = Arc::clone(&app.link);
    app.later(async move {
        let matched = begun.matched().await;
        link.answer(ack_id, matched.map(is_done).map_err(NotDone::from));
    })
    .await;
}
