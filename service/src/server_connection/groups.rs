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
    in_turn::Concerned,
};
use crate::{
    app_server::AppLink,
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
    let membership = match membership(app, user, group) {
        Ok(membership) => membership,
        Err(error) => return answer(&app.link, ack_id, Err(error)),
    };
    let ttl = ttl.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    let concerned = Concerned::One(membership.group.clone());
    let (state, link) = (Arc::clone(&app.state), Arc::clone(&app.link));
    let added = async move {
        let added = state.hubs.user_groups.add(membership, ttl, SystemTime::now()).await;
        answer(&link, ack_id, added.map(|()| true).map_err(NotDone::from));
    };
    app.in_turn.push(concerned, added).await;
}

pub(super) async fn leave_user(app: &App, user: &str, group: Option<&str>, ack_id: Option<i32>) {
    let (state, link) = (Arc::clone(&app.state), Arc::clone(&app.link));
    let Some(group) = group else {
        let user = match UserId::parse(user) {
            Ok(user) => user,
            Err(error) => return answer(&link, ack_id, Err(NotDone::bad(&error))),
        };
        let removed = async move {
            let removed = state.hubs.user_groups.remove_all(&link.hub, &user).await;
            answer(&link, ack_id, removed.map(|()| true).map_err(NotDone::from));
        };
        return app.in_turn.push(Concerned::All, removed).await;
    };
    let membership = match membership(app, user, group) {
        Ok(membership) => membership,
        Err(error) => return answer(&link, ack_id, Err(error)),
    };
    let concerned = Concerned::One(membership.group.clone());
    let removed = async move {
        let removed = state.hubs.user_groups.remove(membership).await;
        answer(&link, ack_id, removed.map(|()| true).map_err(NotDone::from));
    };
    app.in_turn.push(concerned, removed).await;
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
        let change = change?;
        let concerned = match &change {
            GroupChange::Join(group) | GroupChange::Leave(group) => Concerned::One(group.clone()),
            GroupChange::LeaveAll => Concerned::All,
        };
        // A connection that leaves a group is also not in it through its user any more.
        app.in_turn.done(&concerned).await;
        let action = Action::Groups { of: GroupsOf::Connection(connection), change };
        Ok(app.state.cluster.begin(app.hub(), action).await?)
    };
    let begun = match begun.await {
        Ok(begun) => begun,
        Err(error) => return answer(&app.link, ack_id, Err(error)),
    };
    let Some(ack_id) = ack_id else { return };
    let link = Arc::clone(&app.link);
    app.later(async move {
        let matched = begun.matched().await;
        link.answer(ack_id, matched.map(is_done).map_err(NotDone::from));
    })
    .await;
}

/// The membership of a user in a group of the app's hub.
pub(super) fn membership(app: &App, user: &str, group: &str) -> Result<Membership, NotDone> {
    Ok(Membership {
        hub: app.hub(),
        user: UserId::parse(user).map_err(|error| NotDone::bad(&error))?,
        group: GroupName::parse(group).map_err(|error| NotDone::bad(&error))?,
    })
}

fn answer(link: &AppLink, ack_id: Option<i32>, outcome: Outcome) {
    if let Some(ack_id) = ack_id {
        link.answer(ack_id, outcome);
    }
}
