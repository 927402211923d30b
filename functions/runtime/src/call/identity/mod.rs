//! The identity of a caller that negotiates, and the places to look for it.

#[cfg(feature = "lambda")]
mod authorizer;
mod bearer;
mod easyauth;
mod found;
mod insecure;
#[cfg(feature = "oidc")]
mod oidc;
mod principal;
mod service_token;
mod source;
#[cfg(any(feature = "lambda", feature = "oidc"))]
mod user_claim;

use std::time::SystemTime;

use axum::http::{StatusCode, request::Parts};
use serde_json::{Map, Value};
use signalr_serverless::{Negotiator, UserId};

use self::{found::Found, source::Source};
use crate::{
    call::{client_query, problem::Problem},
    config::{
        environment::{ConfigError, Environment},
        http_client::HttpClient,
        listen::Listen,
        variable,
    },
};

/// The places to look for a user, in order. The first place that has a user decides. If no place
/// has one, the call is refused, unless `anonymous` is among them.
#[derive(Clone, Debug)]
pub struct Identity {
    sources: Vec<Source>,
    /// The claims that are passed on.
    claims: Vec<String>,
}

/// The user for whom a call is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caller {
    /// The user; `None` for an anonymous one.
    pub user: Option<UserId>,
    /// The claims to pass on: names and values.
    pub claims: Vec<(String, Value)>,
    /// The end of the user's login, if it is known.
    pub login_ends: Option<SystemTime>,
}

impl Identity {
    pub(crate) fn from_environment(
        environment: &Environment<'_>,
        listen: Listen,
        http: &HttpClient,
    ) -> Result<Self, ConfigError> {
        let entries =
            environment.list(variable::IDENTITY)?.unwrap_or_else(|| vec!["anonymous".to_owned()]);
        let sources = entries
            .iter()
            .map(|entry| Source::from_environment(entry, environment, listen, http))
            .collect::<Result<Vec<_>, _>>()?;
        let anonymous = sources.iter().position(|source| matches!(source, Source::Anonymous));
        if anonymous.is_some_and(|index| index + 1 < sources.len()) {
            let problem = "what follows 'anonymous' is never tried; put it last";
            return Err(ConfigError::of(variable::IDENTITY, problem));
        }
        Ok(Self { sources, claims: claims(environment)? })
    }

    /// Finds the user for whom a call is made. A token that this negotiator signed for clients is not
    /// a login: such a call counts as one without a token.
    ///
    /// # Errors
    ///
    /// 401 if an identity is required and is missing or not valid, 400 if it cannot be a user id,
    /// 503 if it cannot be checked now.
    pub async fn caller(
        &self,
        request: &mut Parts,
        negotiator: &Negotiator,
        now: SystemTime,
    ) -> Result<Caller, Problem> {
        service_token::remove(&mut request.headers, negotiator);
        for source in &self.sources {
            if let Some(Found { user, claims, ends }) = source.find(request, now).await? {
                let user = user.map(|user| UserId::parse(&user)).transpose();
                let user = user.map_err(|error| Problem::bad_request(error.to_string()))?;
                return Ok(Caller { user, claims: self.passed_on(claims), login_ends: ends });
            }
        }
        let places: Vec<_> = self.sources.iter().map(Source::describe).collect();
        let detail = format!("this call needs a user; give one by {}", places.join(" or "));
        Err(match self.sources.iter().any(Source::is_bearer) {
            true => Problem::unauthorized_bearer(detail),
            false => Problem::new(StatusCode::UNAUTHORIZED, detail),
        })
    }

    /// The client's query for the service. It has no secrets and no parameters with a meaning for
    /// this function, such as the name of `query:<name>`, or for the service.
    ///
    /// # Errors
    ///
    /// 400 if there are more than 2,048 bytes.
    pub fn client_query(&self, request: &Parts) -> Result<String, Problem> {
        let ours: Vec<_> = self.sources.iter().filter_map(Source::query_parameter).collect();
        client_query::passed_on(&request.uri, &ours)
    }

    fn passed_on(&self, mut known: Map<String, Value>) -> Vec<(String, Value)> {
        let wanted = self.claims.iter();
        wanted.filter_map(|name| Some((name.clone(), known.remove(name)?))).collect()
    }
}

fn claims(environment: &Environment<'_>) -> Result<Vec<String>, ConfigError> {
    let names = environment.list(variable::CLAIMS)?.unwrap_or_default();
    let prefix = signalr_serverless::claim::SERVICE_PREFIX;
    match names.iter().find(|name| name.to_ascii_lowercase().starts_with(prefix)) {
        Some(name) => Err(ConfigError::of(
            variable::CLAIMS,
            format!("'{name}' belongs to the service; list claims that do not begin with {prefix}"),
        )),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests;
