//! A client as its upstream is told about it: who it is, what its token says, how it connected.

use std::sync::Arc;

use http::HeaderValue;
use serde_json::Value;
use signalr_serverless::{token::Claims, upstream};

use crate::identity::Identity;

/// A client, as the upstream is told about it.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Arc<Identity>,
    /// The claims of its token, type and value.
    pub(crate) claims: Vec<(String, String)>,
    /// The query that it connected with, without secrets: see [`forwarded_query`].
    pub(crate) query: String,
}

/// Headers that are the same for every event of a connection.
#[derive(Debug)]
pub(super) struct CallerHeaders {
    pub(super) user: Option<HeaderValue>,
    pub(super) claims: Option<HeaderValue>,
    pub(super) query: Option<HeaderValue>,
}

impl CallerHeaders {
    /// `None` if the user's id cannot be sent: as nobody's, events must not arrive.
    pub(super) fn new(caller: &Caller) -> Option<Self> {
        let user = match &caller.identity.user {
            Some(user) => Some(user_header(user.as_str())?),
            None => None,
        };
        let query = format!("?{}", caller.query);
        Some(Self {
            user,
            claims: upstream::claims::to_header(&caller.claims),
            query: HeaderValue::from_bytes(query.as_bytes()).ok().filter(|query| query != "?"),
        })
    }

    /// How many bytes they have.
    pub(super) fn bytes(&self) -> usize {
        let Self { user, claims, query } = self;
        let lengths = [user, claims, query].into_iter().flatten().map(HeaderValue::len);
        lengths.fold(0, usize::saturating_add)
    }
}

/// White space at either end would be lost on the way, and with it the difference to another user.
fn user_header(user: &str) -> Option<HeaderValue> {
    let is_kept = user.trim_matches([' ', '\t']) == user;
    HeaderValue::from_bytes(user.as_bytes()).ok().filter(|_| is_kept)
}

/// The part of a client's query that others may see: all but its access token and connection
/// token, as it came.
pub(crate) fn forwarded_query(query: &str) -> String {
    let is_secret = |parameter: &&str| {
        let name = form_urlencoded::parse(parameter.as_bytes()).next();
        let secrets = ["access_token", "id"];
        name.is_some_and(|(name, _)| secrets.iter().any(|one| name.eq_ignore_ascii_case(one)))
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !is_secret(parameter))
        .collect();
    kept.join("&")
}

/// The claims of a token, as type and value: text as it is, each element of an array on its own,
/// and other values as JSON.
pub(crate) fn claims(token: &Claims) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut claims = Vec::with_capacity(token.iter().len());
    for (r#type, value) in token.iter() {
        match value {
            Value::Array(values) => {
                claims.extend(values.iter().map(|value| (r#type.to_owned(), text(value))));
            }
            value => claims.push((r#type.to_owned(), text(value))),
        }
    }
    claims
}
