//! Parameters of the query and bodies of JSON, each checked.

use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
};
use http::{header, request::Parts};
use serde::de::DeserializeOwned;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};

use super::error::Error;
use crate::{query::Query, request_body, state::State};

/// The most items on a page, and the default number of items.
const MOST_ITEMS: usize = 200;
const ITEMS: usize = 50;
/// The longest search text, in bytes.
const LONGEST_SEARCH: usize = 4096;
/// The largest body of a send, in bytes.
pub(super) const LARGEST_BODY: usize = 1024 * 1024;

/// The parameters of a query. An empty one counts as none.
pub(super) struct Parameters(Query);

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Query::parse(parts.uri.query())))
    }
}

impl Parameters {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.first(name).filter(|text| !text.is_empty())
    }

    pub(super) fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.all(name).filter(|text| !text.is_empty())
    }

    pub(super) fn hub(&self) -> Result<HubName, Error> {
        let hub = self.text("hub").ok_or_else(|| Error::bad("hub: name one"))?;
        HubName::parse(hub).map_err(|error| Error::bad_name("hub", &error))
    }

    pub(super) fn connection(&self) -> Result<ConnectionId, Error> {
        let id = self.text("connection").ok_or_else(|| Error::bad("connection: name one"))?;
        ConnectionId::parse(id).map_err(|error| Error::bad_name("connection", &error))
    }

    pub(super) fn group(&self) -> Result<Option<GroupName>, Error> {
        let group = self.text("group").map(GroupName::parse).transpose();
        group.map_err(|error| Error::bad_name("group", &error))
    }

    pub(super) fn user(&self) -> Result<Option<UserId>, Error> {
        let user = self.text("user").map(UserId::parse).transpose();
        user.map_err(|error| Error::bad_name("user", &error))
    }

    /// The search text, in lower case.
    pub(super) fn search(&self) -> Result<Option<String>, Error> {
        match self.text("search") {
            Some(text) if text.len() > LONGEST_SEARCH => {
                Err(Error::bad(format!("search: at most {LONGEST_SEARCH} bytes are searched for")))
            }
            text => Ok(text.map(str::to_lowercase)),
        }
    }

    pub(super) fn limit(&self) -> Result<usize, Error> {
        let Some(text) = self.text("limit") else { return Ok(ITEMS) };
        let limit = text.parse().ok().filter(|limit| (1..=MOST_ITEMS).contains(limit));
        limit.ok_or_else(|| {
            Error::bad(format!("limit: '{text}' is not a whole number from 1 to {MOST_ITEMS}"))
        })
    }
}

/// Reads a body of JSON of at most `most` bytes. The required content type excludes forms of other
/// sites.
pub(super) async fn body<T: DeserializeOwned>(
    state: &State,
    request: Request<Body>,
    most: usize,
) -> Result<T, Error> {
    let (parts, body) = request.into_parts();
    let came = parts.headers.get(header::CONTENT_TYPE);
    let came = came.map_or("", |value| value.to_str().unwrap_or("?"));
    let media_type = came.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Error::not_json(came));
    }
    let bytes = request_body::read(&parts.headers, body, most, &state.queue_budget).await?;
    serde_json::from_slice(&bytes).map_err(|error| Error::bad(format!("the body: {error}")))
}
