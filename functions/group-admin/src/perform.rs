//! Performing an action: the calls to the service, and the result that the caller gets.

use serde_json::{Value, json};
use signalr_serverless::{
    ConnectionId, Error, GroupName, error_code,
    rest::{Continuation, Hub, PageSize},
};

use crate::action::{Action, Member};

/// The codes for a connection that does not exist.
const ABSENT: [&str; 2] = [error_code::CONNECTION_NOT_EXISTED, error_code::CONNECTION_ALREADY_GONE];

impl Action {
    /// Performs the action. The result is an object with a `status`: 200, or 404 if the connection
    /// does not exist.
    pub(crate) async fn perform(&self, hub: &Hub) -> Result<Value, Error> {
        match self {
            Self::AddConnection { group, connection } => {
                add_connection(hub, group, connection).await
            }
            Self::AddUser { group, user, ttl } => {
                done(hub.user(user.clone()).add_to_group(group, *ttl).await)
            }
            Self::Remove { group, member: Member::Connection(id) } => {
                let removed = hub.connection(id.clone()).remove_from_group(group).await;
                done_unless_absent(removed, id)
            }
            Self::Remove { group, member: Member::User(id) } => {
                done(hub.user(id.clone()).remove_from_group(group).await)
            }
            Self::RemoveFromAll { member: Member::Connection(id) } => {
                let removed = hub.connection(id.clone()).remove_from_all_groups().await;
                done_unless_absent(removed, id)
            }
            Self::RemoveFromAll { member: Member::User(id) } => {
                done(hub.user(id.clone()).remove_from_all_groups().await)
            }
            Self::IsUserInGroup { group, user } => {
                exists(hub.user(user.clone()).is_in_group(group).await)
            }
            Self::GroupExists { group } => exists(hub.group(group.clone()).exists().await),
            Self::MemberExists { member: Member::Connection(id) } => {
                exists(hub.connection(id.clone()).exists().await)
            }
            Self::MemberExists { member: Member::User(id) } => {
                exists(hub.user(id.clone()).exists().await)
            }
            Self::List { group, from } => list(hub, group, from.as_ref()).await,
        }
    }
}

async fn add_connection(hub: &Hub, group: &GroupName, id: &ConnectionId) -> Result<Value, Error> {
    if hub.connection(id.clone()).add_to_group(group).await? {
        done(Ok(()))
    } else {
        Ok(absent(id))
    }
}

async fn list(hub: &Hub, group: &GroupName, from: Option<&Continuation>) -> Result<Value, Error> {
    let page = hub.group(group.clone()).list(PageSize::MAX, from).await?;
    let mut result = json!({ "status": 200, "connections": page.connections });
    if let Some(next) = page.next {
        result["next"] = json!(next);
    }
    Ok(result)
}

fn done(done: Result<(), Error>) -> Result<Value, Error> {
    done.map(|()| json!({ "status": 200 }))
}

fn exists(exists: Result<bool, Error>) -> Result<Value, Error> {
    exists.map(|exists| json!({ "status": 200, "exists": exists }))
}

/// A 404 with the service's own code means that the connection does not exist. Any other 404 comes
/// from a wrong endpoint.
fn done_unless_absent(removed: Result<(), Error>, id: &ConnectionId) -> Result<Value, Error> {
    match removed {
        Err(Error::Refused(refusal))
            if refusal.status == 404 && ABSENT.iter().any(|code| refusal.has_code(code)) =>
        {
            Ok(absent(id))
        }
        removed => done(removed),
    }
}

fn absent(id: &ConnectionId) -> Value {
    json!({ "status": 404, "detail": format!("connection '{id}' does not exist") })
}
