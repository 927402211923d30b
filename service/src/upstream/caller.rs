//! The description of a client for its upstream: its identity, its claims, its query.

use std::sync::Arc;

use http::HeaderValue;
use signalr_serverless::upstream;

use crate::identity::Identity;

/// The description of a client for its upstream.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Arc<Identity>,
    /// The claims of the client's token, as type and value.
    pub(crate) claims: Vec<(String, String)>,
    /// The query with which the client connected, without secrets: see [`forwarded_query`].
    pub(crate) query: String,
}

/// The header with the claims, if any can be in it.
pub(super) fn claims_header(claims: &[(String, String)]) -> Option<HeaderValue> {
    upstream::claims::to_header(claims)
}

/// Headers that are the same for every event of a connection.
#[derive(Debug)]
pub(super) struct CallerHeaders {
    pub(super) user: Option<HeaderValue>,
    pub(super) query: Option<HeaderValue>,
}

impl CallerHeaders {
    /// `None` if the user's id cannot be sent: events must not arrive without their user.
    pub(super) fn new(caller: &Caller) -> Option<Self> {
        let user = match &caller.identity.user {
            Some(user) => Some(user_header(user.as_str())?),
            None => None,
        };
        let query = format!("?{}", caller.query);
        Some(Self {
            user,
            query: HeaderValue::from_bytes(query.as_bytes()).ok().filter(|query| query != "?"),
        })
    }

    /// How many bytes the headers have.
    pub(super) fn bytes(&self) -> usize {
        let Self { user, query } = self;
        let lengths = [user, query].into_iter().flatten().map(HeaderValue::len);
        lengths.fold(0, usize::saturating_add)
    }
}

/// The header with the user's id. White space at either end would be lost on the way, and then two
/// users could look the same.
fn user_header(user: &str) -> Option<HeaderValue> {
    let is_kept = user.trim_matches([' ', '\t']) == user;
    HeaderValue::from_bytes(user.as_bytes()).ok().filter(|_| is_kept)
}

/// The part of a client's query that upstreams may see: everything except its access token and
/// connection token, unchanged.
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
