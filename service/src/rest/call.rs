//! One call of an operation: its caller, version and parameters, all checked.

use std::time::{Duration, SystemTime};

use axum::extract::{RawPathParams, Request, rejection::RawPathParamsRejection};
use http::{HeaderMap, StatusCode, request::Parts};
use signalr_serverless::{
    ApplicationName, ConnectionId, GroupName, HubName, StreamId, UserId,
    rest::{ApiVersion, Operation, Route},
};

use super::{body::Body, error::Error};
use crate::{
    auth::{self, AuthError},
    hub::command::{Recipients, Target},
    query::Query,
    state::State,
    store::Membership,
};

/// A call with a checked caller and version.
pub(super) struct Call {
    pub(super) operation: Operation,
    pub(super) version: ApiVersion,
    /// The status of success in the version that was called.
    pub(super) status: StatusCode,
    pub(super) hub: HubName,
    pub(super) headers: HeaderMap,
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) body: Body,
    params: Vec<(String, String)>,
}

impl Call {
    /// Checks the caller, then the version, then reads the body.
    pub(super) async fn read(
        operation: Operation,
        state: &State,
        params: Result<RawPathParams, RawPathParamsRejection>,
        request: Request,
    ) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let (route, version, query) = authorize(operation, state, &parts).await?;
        let params = params.map_err(|error| Error::bad("path", error.body_text()))?;
        let params: Vec<(String, String)> =
            params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self {
            operation,
            version,
            status: StatusCode::from_u16(route.status).unwrap_or(StatusCode::OK),
            hub: full_hub(param(&params, "hub"), &query)?,
            path: parts.uri.path().to_owned(),
            query,
            body: Body::read(&parts.headers, body, &state.queue_budget).await?,
            headers: parts.headers,
            params,
        })
    }

    pub(super) fn group(&self) -> Result<GroupName, Error> {
        GroupName::parse(param(&self.params, "group"))
            .map_err(|error| Error::bad_name("group", &error))
    }

    pub(super) fn user(&self) -> Result<UserId, Error> {
        UserId::parse(param(&self.params, "user")).map_err(|error| Error::bad_name("user", &error))
    }

    pub(super) fn connection(&self) -> Result<ConnectionId, Error> {
        ConnectionId::parse(param(&self.params, "connectionId"))
            .map_err(|error| Error::bad_name("connectionId", &error))
    }

    pub(super) fn membership(&self) -> Result<Membership, Error> {
        Ok(Membership { hub: self.hub.clone(), user: self.user()?, group: self.group()? })
    }

    /// A target without the connections that the query excludes.
    pub(super) fn recipients(&self, target: Target) -> Result<Recipients, Error> {
        let excluded = self.query.all("excluded").map(ConnectionId::parse);
        let excluded: Result<_, _> = excluded.collect();
        Ok(Recipients {
            target,
            excluded: excluded.map_err(|error| Error::bad_name("excluded", &error))?,
        })
    }

    pub(super) fn reason(&self) -> Option<String> {
        self.query.first("reason").map(str::to_owned)
    }

    /// The groups of a comma list.
    pub(super) fn groups(&self) -> Result<Vec<GroupName>, Error> {
        let groups = param(&self.params, "groups").split(',').map(GroupName::parse);
        groups.collect::<Result<_, _>>().map_err(|error| Error::bad_name("groups", &error))
    }

    /// The users of a comma list.
    pub(super) fn users(&self) -> Result<Vec<UserId>, Error> {
        let users = param(&self.params, "users").split(',').map(UserId::parse);
        users.collect::<Result<_, _>>().map_err(|error| Error::bad_name("users", &error))
    }

    pub(super) fn stream_id(&self) -> Result<String, Error> {
        StreamId::parse(param(&self.params, "streamId"))
            .map(|id| id.to_string())
            .map_err(|error| Error::bad_name("streamId", &error))
    }

    /// A parameter that is true or false; false if it is absent.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Error> {
        match self.query.first(name) {
            None => Ok(false),
            Some(text) => text.to_ascii_lowercase().parse().map_err(|_| {
                Error::bad(name, format!("{name} '{text}' is neither true nor false"))
            }),
        }
    }

    /// How long a membership lasts, in whole seconds.
    pub(super) fn ttl(&self) -> Result<Option<Duration>, Error> {
        Ok(self.number("ttl", 0, u64::MAX)?.map(Duration::from_secs))
    }

    /// A whole number of the query.
    pub(super) fn number(
        &self,
        name: &'static str,
        least: u64,
        most: u64,
    ) -> Result<Option<u64>, Error> {
        let Some(text) = self.query.first(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ if most == u64::MAX => {
                let message = format!("{name} '{text}' is not a whole number of {least} or more");
                Err(Error::bad(name, message))
            }
            _ => {
                let message =
                    format!("{name} '{text}' is not a whole number from {least} to {most}");
                Err(Error::bad(name, message))
            }
        }
    }
}

/// Checks the caller and the version.
pub(super) async fn authorize(
    operation: Operation,
    state: &State,
    request: &Parts,
) -> Result<(&'static Route, ApiVersion, Query), Error> {
    let query = Query::parse(request.uri.query());
    let path = request.uri.path();
    let call = auth::Call { hosts: auth::hosts(&request.headers), path, query: &query };
    let verified = match auth::bearer(&request.headers) {
        Some(token) => state.verifier.verify_call(token, &call, SystemTime::now()).await,
        None => Err(AuthError::Missing),
    };
    if let Err(refusal) = &verified {
        state.trace.refused(None, refusal);
    }
    verified?;
    let (route, version) = route(operation, path, &query, state.is_lenient)?;
    Ok((route, version, query))
}

fn param<'a>(params: &'a [(String, String)], name: &str) -> &'a str {
    params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// The hub under its full name, with its application's prefix.
fn full_hub(hub: &str, query: &Query) -> Result<HubName, Error> {
    let hub = HubName::parse(hub).map_err(|error| Error::bad_name("hub", &error))?;
    let Some(application) = query.first("application") else {
        return Ok(hub);
    };
    ApplicationName::parse(application)
        .and_then(|application| application.prefix(&hub))
        .map_err(|error| Error::bad_name("application", &error))
}

/// The called route and its version, from the path or the query. A lenient service accepts any path
/// with any version, and uses the newest version if there is none, as asrs-emulator does.
fn route(
    operation: Operation,
    path: &str,
    query: &Query,
    is_lenient: bool,
) -> Result<(&'static Route, ApiVersion), Error> {
    let in_path = if path.starts_with("/api/v1/") {
        Some(ApiVersion::V1)
    } else if path.starts_with("/api/v1-preview/") {
        Some(ApiVersion::V1Preview)
    } else {
        None
    };
    let named = in_path.map_or_else(|| version_in(query), Ok);
    if is_lenient {
        let named = named.ok().and_then(|version| Some((operation.route(version)?, version)));
        let newest = ApiVersion::ALL.into_iter().rev();
        let newest = [ApiVersion::default()].into_iter().chain(newest);
        let mut newest = newest.filter_map(|version| Some((operation.route(version)?, version)));
        return named.or_else(|| newest.next()).ok_or_else(Error::no_such_path);
    }
    let version = named?;
    let route = operation.route(version).ok_or_else(|| {
        let message = format!(
            "api-version {version} does not have this operation; use {}",
            with_operation(operation)
        );
        Error::bad("api-version", message)
    })?;
    Ok((route, version))
}

/// A version that has the operation: the usual one, otherwise the newest.
fn with_operation(operation: Operation) -> ApiVersion {
    let usual = ApiVersion::default();
    let newest = ApiVersion::ALL.into_iter().rev();
    [usual].into_iter().chain(newest).find(|it| operation.route(*it).is_some()).unwrap_or(usual)
}

fn version_in(query: &Query) -> Result<ApiVersion, Error> {
    const KNOWN: &str = "use api-version=2024-12-01, or another one of 2022-06-01 to 2026-07-01";
    let named = query.first("api-version").ok_or_else(|| {
        Error::bad("api-version", format!("the query has no api-version; {KNOWN}"))
    })?;
    match named.parse::<ApiVersion>() {
        Ok(version) if version.is_in_query() => Ok(version),
        _ => {
            let message = format!("api-version '{named}' is not known here; {KNOWN}");
            Err(Error::bad("api-version", message))
        }
    }
}
