//! Changes of groups. The equivalents are the calls of REST for the groups of connections and
//! users.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use signalr_serverless::{ConnectionId, GroupName, UserId};

use super::{
    acks::{NotDone, Outcome},
    app::App,
};
use crate::{
    hub::command::{Action, GroupChange, GroupsOf},
    store::Membership,
};

/// A connection that does not exist is answered with NotFound.
pub(super) async fn join(app: &App, connection: &str, group: &str, ack_id: Option<i32>) {
    let change = GroupName::parse(group).map(GroupChange::Join);
    let change = change.map_err(|error| NotDone::bad(&error));
    change_connection(app, connection, change, ack_id, |matched| matched > 0).await;
}

/// Succeeds also for a connection that is gone, because it is in no group any more.
pub(super) async fn leave(app: &App, connection: &str, group: Option<&str>, ack_id: Option<i32>) {
    change_connection(app, connection, leaving(group), ack_id, |_| true).await;
}

pub(super) async fn join_user(
    app: &App,
    user: &str,
    group: &str,
    ttl: Option<i32>,
    ack_id: Option<i32>,
) {
    let outcome = add_user(app, user, group, ttl).await.map(|()| true);
    answer(app, ack_id, outcome);
}

pub(super) async fn leave_user(app: &App, user: &str, group: Option<&str>, ack_id: Option<i32>) {
    let outcome = remove_user(app, user, group).await.map(|()| true);
    answer(app, ack_id, outcome);
}

fn leaving(group: Option<&str>) -> Result<GroupChange, NotDone> {
    let Some(group) = group else { return Ok(GroupChange::LeaveAll) };
    GroupName::parse(group).map(GroupChange::Leave).map_err(|error| NotDone::bad(&error))
}

async fn change_connection(
    app: &App,
    connection: &str,
    change: Result<GroupChange, NotDone>,
    ack_id: Option<i32>,
    is_done: fn(usize) -> bool,
) {
    let begun = async {
        let connection = ConnectionId::parse(connection).map_err(|error| NotDone::bad(&error))?;
        let action = Action::Groups { of: GroupsOf::Connection(connection), change: change? };
        Ok(app.state.cluster.begin(app.hub(), action).await?)
    };
    let begun = match begun.await {
        Ok(begun) => begun,
        Err(error) => return answer(app, ack_id, Err(error)),
    };
    let Some(ack_id) = ack_id else { return };
    let link = Arc::clone(&app.link);
    app.later(async move {
        let matched = begun.matched().await;
        link.answer(ack_id, matched.map(is_done).map_err(NotDone::from));
    })
    .await;
}

async fn add_user(app: &App, user: &str, group: &str, ttl: Option<i32>) -> Result<(), NotDone> {
    let ttl = ttl.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    let groups = &app.state.hubs.user_groups;
    Ok(groups.add(membership(app, user, group)?, ttl, SystemTime::now()).await?)
}

async fn remove_user(app: &App, user: &str, group: Option<&str>) -> Result<(), NotDone> {
    let groups = &app.state.hubs.user_groups;
    match group {
        Some(group) => Ok(groups.remove(membership(app, user, group)?).await?),
        None => {
            let user = UserId::parse(user).map_err(|error| NotDone::bad(&error))?;
            Ok(groups.remove_all(&app.link.hub, &user).await?)
        }
    }
}

/// The membership of a user in a group of the app's hub.
pub(super) fn membership(app: &App, user: &str, group: &str) -> Result<Membership, NotDone> {
    Ok(Membership {
        hub: app.hub(),
        user: UserId::parse(user).map_err(|error| NotDone::bad(&error))?,
        group: GroupName::parse(group).map_err(|error| NotDone::bad(&error))?,
    })
}

fn answer(app: &App, ack_id: Option<i32>, outcome: Outcome) {
    if let Some(ack_id) = ack_id {
        app.link.answer(ack_id, outcome);
    }
}
