//! The user of a bearer token, checked against an OpenID Connect issuer.

use std::time::SystemTime;

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use signalr_oidc::{Issuer, Rejection};

use super::{
    bearer::bearer,
    found::{self, Found},
    user_claim::UserClaim,
};
use crate::{
    call::problem::Problem,
    config::{
        environment::{ConfigError, Environment},
        http_client::HttpClient,
        variable,
    },
};

/// Checks tokens. Clones share the issuer's keys.
#[derive(Clone, Debug)]
pub(super) struct Verifier {
    tokens: signalr_oidc::Verifier,
    user_claim: UserClaim,
}

impl Verifier {
    /// Reads the settings. This makes no call: the first token asks the issuer.
    pub(super) fn from_environment(
        environment: &Environment<'_>,
        http: &HttpClient,
        user_claim: UserClaim,
    ) -> Result<Self, ConfigError> {
        let needed = |variable, what: &str| {
            ConfigError::of(variable, format!("is not set, and 'jwt' needs it; {what}"))
        };
        let issuer = issuer(environment)?.ok_or_else(|| {
            needed(variable::OIDC_ISSUER, "use the issuer's URL, such as https://login.example")
        })?;
        let audiences = environment.list(variable::OIDC_AUDIENCE)?.ok_or_else(|| {
            needed(variable::OIDC_AUDIENCE, "use the name by which the issuer knows this app")
        })?;
        let mut tokens = signalr_oidc::Verifier::new(issuer, audiences, http.get()?);
        if let Some(claim) = environment.text(variable::OIDC_AUDIENCE_CLAIM)? {
            tokens = tokens.with_audience_claim(claim);
        }
        Ok(Self { tokens, user_claim })
    }

    pub(super) async fn find(
        &self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Option<Found>, Problem> {
        let checked = match bearer(headers) {
            Ok(None) => return Ok(None),
            Ok(Some(token)) => self.check(token, now).await,
            Err(unreadable) => Err(Rejection::Token(unreadable.to_string())),
        };
        checked.map(Some).map_err(|rejection| match rejection {
            Rejection::Token(problem) => Problem::unauthorized_bearer(problem),
            Rejection::Keys(problem) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, problem),
        })
    }

    async fn check(&self, token: &str, now: SystemTime) -> Result<Found, Rejection> {
        let claims = self.tokens.check(token, now).await?;
        let user = self.user(&claims)?;
        let ends = found::end(&claims);
        Ok(Found { user: Some(user), claims, ends })
    }

    fn user(&self, claims: &Map<String, Value>) -> Result<String, Rejection> {
        self.user_claim.find(claims).ok_or_else(|| {
            Rejection::Token(format!(
                "the token has no user id in '{}'; NEGOTIATE_USER_CLAIM names the claim to use",
                self.user_claim
            ))
        })
    }
}

/// The issuer whose tokens are accepted, and the URL of its keys.
fn issuer(environment: &Environment<'_>) -> Result<Option<Issuer>, ConfigError> {
    let names = environment.list(variable::OIDC_ISSUER)?.unwrap_or_default();
    let Some((first, others)) = names.split_first() else { return Ok(None) };
    let issuer = match environment.text(variable::OIDC_DISCOVERY)? {
        None => Issuer::parse(first)
            .map_err(|error| ConfigError::of(variable::OIDC_ISSUER, error.to_string()))?,
        Some(url) => Issuer::found_by(first, &url)
            .map_err(|error| ConfigError::of(variable::OIDC_DISCOVERY, error.to_string()))?,
    };
    let issuer = others.iter().fold(issuer, |issuer, name| issuer.also_named(name));
    let tenants = environment.list(variable::OIDC_TENANTS)?;
    match (issuer.has_tenants(), tenants) {
        (false, None) => Ok(Some(issuer)),
        (true, Some(tenants)) => Ok(Some(issuer.with_tenants(tenants))),
        (true, None) => Err(ConfigError::of(
            variable::OIDC_TENANTS,
            "is not set, so that users of any directory could sign in; list the tenants that may",
        )),
        (false, Some(_)) => Err(ConfigError::of(
            variable::OIDC_TENANTS,
            "is set, and OIDC_ISSUER has no {tenantid}, for which they could stand; put it there",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    /// A verifier whose issuer's address has no listener. A request that needs the issuer gets 503
    /// instead of 401.
    fn verifier() -> Verifier {
        let lookup = |key: &str| match key {
            "OIDC_ISSUER" => Some("http://127.0.0.1:1".into()),
            "OIDC_AUDIENCE" => Some("chat,news".into()),
            _ => None,
        };
        let environment = Environment::new(&lookup);
        let http = HttpClient::from_environment(&environment).unwrap();
        Verifier::from_environment(&environment, &http, UserClaim::NameIdentifier).unwrap()
    }

    #[tokio::test]
    async fn a_missing_token_is_none_and_a_bad_one_is_401() {
        let verifier = verifier();
        let find = async |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("authorization", HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let found = verifier.find(&headers, SystemTime::UNIX_EPOCH).await;
            found.map_err(|problem| problem.status().as_u16())
        };
        assert!(find(&[]).await.unwrap().is_none());
        assert!(find(&["Basic YTpi"]).await.unwrap().is_none());
        for bad in [
            &["Bearer x"][..],
            &["Bearer\tx"],
            &["bearer"],
            &["Bearer "],
            &["Bearer a", "Bearer b"],
            &["é"],
        ] {
            assert_eq!(find(bad).await.unwrap_err(), 401, "{bad:?}");
        }
    }

    #[test]
    fn the_user_is_a_text() {
        let user = |claims: Value| verifier().user(claims.as_object().unwrap());
        assert_eq!(user(json!({ "sub": "ann" })), Ok("ann".to_owned()));
        assert_eq!(user(json!({ "sub": 7 })), Ok("7".to_owned()));
        for claims in [json!({}), json!({ "sub": null }), json!({ "sub": {} })] {
            let Err(Rejection::Token(text)) = user(claims) else { panic!("taken for a user") };
            assert!(text.contains("no user id in 'sub'"), "{text}");
        }
    }
}
