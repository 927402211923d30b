//! Pages of hubs, users and groups, in the order of their names.

use std::{ops::Bound, sync::Arc};

use axum::{Json, extract::State as Extract};
use serde::Serialize;
use signalr_serverless::HubName;

use super::{error::Error, parameters::Parameters, view::Dashboard};
use crate::hub::look::{HubSize, NameKind, Named, NamesOf};

/// A page of a list.
#[derive(Serialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// The parameter `after` of the next page, if there is one.
    pub(super) next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hub {
    name: String,
    connections: usize,
    users: usize,
    groups: usize,
    /// The connections of app servers to this node.
    server_connections: usize,
    /// The messages per second.
    messages: f64,
}

#[derive(Serialize)]
pub(super) struct Name {
    name: String,
    connections: usize,
}

impl<T> Page<T> {
    /// Makes a page of the first `limit` items. One item more shows that there is a next page.
    pub(super) fn of(mut items: Vec<T>, limit: usize, after: impl Fn(&T) -> String) -> Self {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(after);
        Self { items, next }
    }
}

/// `GET /dashboard/api/hubs`
pub(super) async fn hubs(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    parameters: Parameters,
) -> Result<Json<Page<Hub>>, Error> {
    let (search, limit) = (parameters.search()?, parameters.limit()?);
    let after = parameters.text("after").map(HubName::parse).transpose();
    let after = after.map_err(|error| Error::bad_name("after", &error))?;
    let sizes = dashboard.sizes.get(&dashboard.state.cluster).await?;
    let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let behind = sizes.range::<HubName, _>((from, Bound::Unbounded));
    let is_found = |hub: &HubName| {
        search.as_deref().is_none_or(|text| hub.as_str().to_lowercase().contains(text))
    };
    let found = behind.filter(|(hub, _)| is_found(hub)).take(limit.saturating_add(1));
    let items = found.map(|(hub, HubSize { connections, users, groups })| Hub {
        name: hub.as_str().to_owned(),
        connections: *connections,
        users: *users,
        groups: *groups,
        server_connections: dashboard.state.app_servers.connections(hub),
        messages: dashboard.history.rate_of(hub),
    });
    Ok(Json(Page::of(items.collect(), limit, |hub| hub.name.clone())))
}

/// `GET /dashboard/api/users`
pub(super) async fn users(
    dashboard: Extract<Arc<Dashboard>>,
    parameters: Parameters,
) -> Result<Json<Page<Name>>, Error> {
    names(&dashboard, &parameters, NameKind::Users).await
}

/// `GET /dashboard/api/groups`
pub(super) async fn groups(
    dashboard: Extract<Arc<Dashboard>>,
    parameters: Parameters,
) -> Result<Json<Page<Name>>, Error> {
    names(&dashboard, &parameters, NameKind::Groups).await
}

async fn names(
    dashboard: &Dashboard,
    parameters: &Parameters,
    kind: NameKind,
) -> Result<Json<Page<Name>>, Error> {
    let limit = parameters.limit()?;
    let of = NamesOf {
        kind,
        hub: parameters.hub()?,
        search: parameters.search()?,
        after: parameters.text("after").map(str::to_owned),
        limit: limit.saturating_add(1),
    };
    let names = dashboard.state.cluster.names(of).await?.into_iter();
    let items = names.map(|Named { name, connections }| Name { name, connections });
    Ok(Json(Page::of(items.collect(), limit, |one| one.name.clone())))
}
