//! Operations on a group and its connections.

use std::sync::Arc;

use form_urlencoded::Serializer;
use serde::Serialize;
use signalr_serverless::{ConnectionId, UserId};

use super::{call::Call, error::Error, message, public_url::public_base, reply::Success};
use crate::{
    hub::{
        command::{Action, GroupChange, GroupsOf, Target},
        work::Cursor,
    },
    state::State,
};

/// The most connections on a page, which is also the default.
const MAX_PAGE: u64 = 200;

pub(super) async fn send(state: &State, call: Call) -> Result<Success, Error> {
    let message = message::message(&call.body)?;
    let recipients = call.recipients(Target::Group(call.group()?))?;
    state.cluster.submit(call.hub, Action::Send { recipients, message }).await?;
    Ok(Success::Done)
}

/// Checks every group before anything is sent.
pub(super) async fn send_to_each(state: &State, call: Call) -> Result<Success, Error> {
    let message = message::message(&call.body)?;
    for group in call.groups()? {
        let (recipients, message) = (Target::Group(group).into(), Arc::clone(&message));
        state.cluster.submit(call.hub.clone(), Action::Send { recipients, message }).await?;
    }
    Ok(Success::Done)
}

pub(super) async fn close_connections(state: &State, call: Call) -> Result<Success, Error> {
    let recipients = call.recipients(Target::Group(call.group()?))?;
    let reason = call.reason();
    state.cluster.submit(call.hub, Action::Close { recipients, reason }).await?;
    Ok(Success::Done)
}

pub(super) async fn exists(state: &State, call: Call) -> Result<Success, Error> {
    let target = Target::Group(call.group()?);
    if state.cluster.exists(call.hub, target).await? {
        Ok(Success::Done)
    } else {
        Err(Error::no_group())
    }
}

pub(super) async fn add_connection(state: &State, call: Call) -> Result<Success, Error> {
    let of = GroupsOf::Connection(call.connection()?);
    let action = Action::Groups { of, change: GroupChange::Join(call.group()?) };
    match state.cluster.carry_out(call.hub, action).await? {
        0 => Err(Error::no_connection_to_add()),
        _ => Ok(Success::Done),
    }
}

/// Removes a connection. This also succeeds for a connection that is gone, because it is in no
/// group any more.
pub(super) async fn remove_connection(state: &State, call: Call) -> Result<Success, Error> {
    let of = GroupsOf::Connection(call.connection()?);
    let action = Action::Groups { of, change: GroupChange::Leave(call.group()?) };
    state.cluster.carry_out(call.hub, action).await?;
    Ok(Success::Done)
}

/// A page of a group's connections.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupMemberPagedValues {
    value: Vec<GroupMember>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupMember {
    connection_id: ConnectionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
}

/// Lists a page of connections. Pages use the members' places, so that members that join and leave
/// do not shift the others. The cost of a page depends only on its size.
pub(super) async fn list_connections(state: &State, call: Call) -> Result<Success, Error> {
    let page = call.number("maxpagesize", 1, MAX_PAGE)?.unwrap_or(MAX_PAGE);
    let top = call.number("top", 1, u64::MAX)?;
    let after = call.query.first("continuationToken").map(read_continuation).transpose()?;
    let group = call.group()?;
    let size = usize::try_from(page.min(top.unwrap_or(page))).unwrap_or(usize::MAX);
    // One member more than requested shows whether there is a next page.
    let mut members =
        state.cluster.members(&call.hub, &group, after, size.saturating_add(1)).await?;
    let has_more = members.len() > size;
    members.truncate(size);
    let rest = top.map(|top| top.saturating_sub(size as u64));
    let last = members.last().filter(|_| has_more && rest != Some(0));
    let next_link = last.map(|(last, _)| {
        let path = next_link(&call, page, rest, *last);
        format!("{}{path}", public_base(&call.headers, state.scheme))
    });
    let value = members
        .into_iter()
        .map(|(_, member)| GroupMember { connection_id: member.connection, user_id: member.user })
        .collect();
    Ok(Success::json(GroupMemberPagedValues { value, next_link }))
}

/// Path and query of the next page.
fn next_link(call: &Call, page: u64, top: Option<u64>, last: Cursor) -> String {
    let mut query = Serializer::new(String::new());
    if let Some(top) = top {
        query.append_pair("top", &top.to_string());
    }
    query.append_pair("maxpagesize", &page.to_string());
    query.append_pair("continuationToken", &last.token());
    for name in ["application", "api-version"] {
        if let Some(value) = call.query.first(name) {
            query.append_pair(name, value);
        }
    }
    format!("{}?{}", call.path, query.finish())
}

fn read_continuation(token: &str) -> Result<Cursor, Error> {
    Cursor::read(token).ok_or_else(|| {
        let message = "the continuationToken is not one that this service gave out";
        Error::bad("continuationToken", message)
    })
}
