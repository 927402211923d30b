//! Pages of connections, and one connection.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    extract::{Request, State as Extract},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use signalr_serverless::{ConnectionId, HubName};

use super::{error::Error, names::Page, parameters, parameters::Parameters, view::Dashboard};
use crate::hub::{
    command::{Action, Target},
    look::{ConnectionsOf, Detail, Row},
    work::Cursor,
};

/// A connection in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection {
    hub: String,
    connection: String,
    user: Option<String>,
    transport: Cow<'static, str>,
    protocol: Cow<'static, str>,
    /// How many groups it is in.
    groups: usize,
    /// How many bytes are held for it.
    held_bytes: usize,
    seconds: u32,
}

/// All details of a connection.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Details {
    #[serde(flatten)]
    connection: Connection,
    /// How many bytes may be held for it.
    most_held_bytes: usize,
    group_names: Vec<String>,
    claims: Vec<Claim>,
}

#[derive(Serialize)]
struct Claim {
    r#type: String,
    value: String,
}

/// `GET /dashboard/api/connections`: the connections of a hub, a group or a user.
pub(super) async fn list(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    parameters: Parameters,
) -> Result<Json<Page<Connection>>, Error> {
    let limit = parameters.limit()?;
    let target = match (parameters.group()?, parameters.user()?) {
        (None, None) => Target::Hub,
        (Some(group), None) => Target::Group(group),
        (None, Some(user)) => Target::User(user),
        (Some(_), Some(_)) => return Err(Error::bad("group and user: name one of them")),
    };
    let of = ConnectionsOf {
        hub: parameters.hub()?,
        target,
        search: parameters.search()?,
        after: None,
        limit: limit.saturating_add(1),
    };
    let after = parameters.text("after").map(read_place).transpose()?;
    let hub = of.hub.clone();
    let rows = dashboard.state.cluster.rows(of, after).await?;
    let Page { items, next } = Page::of(rows, limit, |(cursor, _)| place(*cursor));
    let items = items.into_iter().map(|(_, row)| connection(&hub, row)).collect();
    Ok(Json(Page { items, next }))
}

/// `GET /dashboard/api/connection`
pub(super) async fn one(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    parameters: Parameters,
) -> Result<Json<Details>, Error> {
    let (hub, id) = (parameters.hub()?, parameters.connection()?);
    let state = &dashboard.state;
    let detail = state.cluster.detail(hub.clone(), id).await?.ok_or_else(Error::no_connection)?;
    let Detail { row, groups, most_held, claims } = detail;
    let claims = claims.into_iter().map(|(r#type, value)| Claim { r#type, value });
    Ok(Json(Details {
        connection: connection(&hub, row),
        most_held_bytes: most_held,
        group_names: groups.iter().map(|group| group.as_str().to_owned()).collect(),
        claims: claims.collect(),
    }))
}

/// The body of a close.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    hub: HubName,
    connection: ConnectionId,
    reason: Option<String>,
}

/// `POST /dashboard/api/close`
pub(super) async fn close(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    request: Request,
) -> Result<StatusCode, Error> {
    let Close { hub, connection, reason } =
        parameters::body(&dashboard.state, request, parameters::LARGEST_BODY).await?;
    let reason = reason.filter(|reason| !reason.is_empty());
    tracing::info!(%hub, %connection, "a connection is closed from the dashboard");
    let action = Action::Close { recipients: Target::Connection(connection).into(), reason };
    match dashboard.state.cluster.carry_out(hub, action).await? {
        0 => Err(Error::no_connection()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

fn connection(hub: &HubName, row: Row) -> Connection {
    let Row { connection, user, transport, protocol, groups, held, seconds, .. } = row;
    Connection {
        hub: hub.as_str().to_owned(),
        connection: connection.as_str().to_owned(),
        user: user.map(|user| user.as_str().to_owned()),
        transport,
        protocol,
        groups,
        held_bytes: held,
        seconds,
    }
}

fn place(Cursor { node, shard, place }: Cursor) -> String {
    format!("{node}-{shard}-{place}")
}

fn read_place(text: &str) -> Result<Cursor, Error> {
    let mut numbers = text.splitn(3, '-').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let read = || Some((next()?, usize::try_from(next()?).ok()?, next()?));
    let mut read = read;
    let cursor = read().map(|(node, shard, place)| Cursor { node, shard, place });
    cursor.ok_or_else(|| Error::bad("after: it is not one that a page before this one named"))
}
