//! Questions of an app about the existence of connections, users and groups, and about members. The
//! equivalents are the questions of REST.

use std::{sync::Arc, time::SystemTime};

use signalr_server_protocol::{
    CheckConnectionExistenceWithAck, CheckGroupExistenceWithAck, CheckUserExistenceWithAck,
    CheckUserInGroupWithAck, GroupMember, GroupMemberQuery, GroupMembers,
};
use signalr_serverless::{ConnectionId, GroupName, UserId};

use super::{acks::NotDone, app::App, groups::membership, in_turn::Concerned};
use crate::hub::{command::Target, work::Cursor};

/// How many connections a page has at most, as in REST.
const MAX_PAGE: usize = 200;

pub(super) async fn of_group(app: &App, check: CheckGroupExistenceWithAck) {
    let group = GroupName::parse(&check.group).map(Target::Group);
    exists(app, group.map_err(|error| NotDone::bad(&error)), check.ack_id).await;
}

pub(super) async fn of_connection(app: &App, check: CheckConnectionExistenceWithAck) {
    let connection = ConnectionId::parse(&check.connection_id).map(Target::Connection);
    exists(app, connection.map_err(|error| NotDone::bad(&error)), check.ack_id).await;
}

pub(super) async fn of_user(app: &App, check: CheckUserExistenceWithAck) {
    let user = UserId::parse(&check.user_id).map(Target::User);
    exists(app, user.map_err(|error| NotDone::bad(&error)), check.ack_id).await;
}

async fn exists(app: &App, target: Result<Target, NotDone>, ack_id: i32) {
    let begun = async {
        let target = target?;
        app.in_force(&target).await;
        Ok(app.state.cluster.begin_count(app.hub(), target).await?)
    };
    let begun = match begun.await {
        Ok(begun) => begun,
        Err(error) => return app.link.answer(ack_id, Err(error)),
    };
    let link = Arc::clone(&app.link);
    app.later(async move {
        let count = begun.matched().await;
        link.answer(ack_id, count.map(|count| count > 0).map_err(NotDone::from));
    })
    .await;
}

pub(super) async fn of_user_in_group(app: &App, check: CheckUserInGroupWithAck) {
    let ack_id = check.ack_id;
    let membership = match membership(app, &check.user_id, &check.group) {
        Ok(membership) => membership,
        Err(error) => return app.link.answer(ack_id, Err(error)),
    };
    let (state, link) = (Arc::clone(&app.state), Arc::clone(&app.link));
    let answered = async move {
        let is_in = state.cluster.user_is_in_group(&membership, SystemTime::now()).await;
        link.answer(ack_id, is_in.map_err(NotDone::from));
    };
    // The answer is from between the changes before the question and those after it.
    app.in_turn.push(Concerned::None, answered).await;
}

/// Always succeeds if the question is valid: a group that does not exist has no members.
pub(super) async fn members(app: &App, query: GroupMemberQuery) {
    let ack_id = query.ack_id;
    let group = GroupName::parse(&query.group);
    let after = query.continuation.as_deref().map(|token| {
        Cursor::read(token).ok_or("the continuation is not one that this service gave out")
    });
    let (group, after) = match (group, after.transpose()) {
        (Ok(group), Ok(after)) => (group, after),
        (Err(error), _) => return app.link.answer(ack_id, Err(NotDone::bad(&error))),
        (_, Err(error)) => return app.link.answer(ack_id, Err(NotDone::bad(&error))),
    };
    app.in_turn.done(&Concerned::One(group.clone())).await;
    let (state, link) = (Arc::clone(&app.state), Arc::clone(&app.link));
    app.later(async move {
        let most = |number: Option<i32>| number.and_then(|number| usize::try_from(number).ok());
        let size = most(query.page_size).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
        let top = most(query.top).unwrap_or(usize::MAX);
        let size = size.min(top);
        // One more connection than asked for shows whether there is a next page.
        let found = state.cluster.members(&link.hub, &group, after, size.saturating_add(1)).await;
        let mut members = match found {
            Ok(members) => members,
            Err(error) => return link.answer(ack_id, Err(error.into())),
        };
        // No more than `top` are wanted, on this page and the ones after it together.
        let has_more = members.len() > size && size < top;
        members.truncate(size);
        let last = members.last().filter(|_| has_more);
        let continuation = last.map(|(cursor, _)| cursor.token());
        let members = members.into_iter().map(|(_, member)| GroupMember {
            connection_id: member.connection.to_string(),
            user_id: member.user.map(|user| user.to_string()),
        });
        link.answer_with(
            ack_id,
            GroupMembers { members: members.collect(), continuation }.encode(),
        );
    })
    .await;
}
