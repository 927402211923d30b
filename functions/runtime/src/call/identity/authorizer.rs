//! The user that an authorizer of Amazon API Gateway accepted.
//!
//! API Gateway puts its authorizer's result into the event, next to the request. Callers cannot
//! write there.

use axum::http::{Extensions, StatusCode};
use lambda_http::{RequestExt, aws_lambda_events::apigw::ApiGatewayRequestAuthorizer};
use serde_json::{Map, Value};

use super::{
    found::{self, Found},
    user_claim::UserClaim,
};
use crate::call::problem::Problem;

#[derive(Clone, Debug)]
pub(super) struct Authorizer {
    user_claim: UserClaim,
}

impl Authorizer {
    pub(super) fn new(user_claim: UserClaim) -> Self {
        Self { user_claim }
    }

    pub(super) fn find(&self, extensions: &Extensions) -> Result<Option<Found>, Problem> {
        let context = extensions.request_context_ref();
        let Some(authorizer) = context.and_then(|context| context.authorizer()) else {
            return Ok(None);
        };
        let claims = claims(authorizer);
        if claims.is_empty() {
            return Ok(None);
        }
        match self.user_claim.find(&claims) {
            Some(user) => {
                let (user, ends) = (Some(user), found::end(&claims));
                Ok(Some(Found { user, claims, ends }))
            }
            None => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                format!(
                    "the API's authorizer gave no user id in '{}'; NEGOTIATE_USER_CLAIM names the claim to use",
                    self.user_claim
                ),
            )),
        }
    }
}

/// A JWT authorizer of an HTTP API has `jwt.claims`, a Cognito authorizer of a REST API has
/// `claims`, and a Lambda authorizer has names of its own choice. If there is no authorizer, an
/// HTTP API may still send its names, with `null`.
fn claims(authorizer: &ApiGatewayRequestAuthorizer) -> Map<String, Value> {
    if let Some(jwt) = &authorizer.jwt {
        let claims = jwt.claims.iter();
        return claims.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    }
    match authorizer.fields.get("claims") {
        Some(Value::Object(claims)) => claims.clone(),
        _ => {
            let fields = authorizer.fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| (name.clone(), value.clone())).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::request::from_str;
    use serde_json::json;

    use super::*;

    fn find(event: &Value) -> Result<Option<Found>, u16> {
        let request = from_str(&event.to_string()).unwrap();
        let authorizer = Authorizer::new(UserClaim::NameIdentifier);
        authorizer.find(request.extensions()).map_err(|problem| problem.status().as_u16())
    }

    fn http_api(authorizer: &Value) -> Value {
        json!({
            "version": "2.0", "rawPath": "/negotiate", "isBase64Encoded": false,
            "headers": { "authorization": "Bearer x", "sub": "mallory" },
            "requestContext": {
                "stage": "$default", "http": { "method": "POST", "path": "/negotiate" },
                "authorizer": authorizer,
            },
        })
    }

    fn rest_api(authorizer: &Value) -> Value {
        json!({
            "path": "/negotiate", "httpMethod": "POST", "isBase64Encoded": false,
            "headers": {}, "multiValueHeaders": {},
            "requestContext": { "stage": "prod", "httpMethod": "POST", "authorizer": authorizer },
        })
    }

    #[test]
    fn every_kind_of_authorizer_names_the_user() {
        for event in [
            http_api(&json!({ "jwt": { "claims": { "sub": "ann", "x": "1" }, "scopes": null } })),
            http_api(&json!({ "lambda": { "sub": "ann", "x": "1" } })),
            rest_api(&json!({ "claims": { "sub": "ann", "x": "1" } })),
            rest_api(&json!({ "principalId": "p", "sub": "ann", "x": "1" })),
        ] {
            let found = find(&event).unwrap().unwrap();
            assert_eq!(found.user.as_deref(), Some("ann"), "{event}");
            assert_eq!(found.claims["x"], "1", "{event}");
        }
    }

    #[test]
    fn without_an_authorizer_there_is_no_user_and_without_the_claim_it_is_401() {
        assert!(find(&http_api(&Value::Null)).unwrap().is_none());
        assert!(find(&http_api(&json!({ "iam": { "userId": "x" } }))).unwrap().is_none());
        assert!(find(&rest_api(&json!({}))).unwrap().is_none());
        assert!(find(&rest_api(&json!({ "claims": null, "scopes": null }))).unwrap().is_none());
        assert_eq!(find(&rest_api(&json!({ "principalId": "p" }))).unwrap_err(), 401);
        let number = find(&http_api(&json!({ "lambda": { "sub": 7 } }))).unwrap().unwrap();
        assert_eq!(number.user.as_deref(), Some("7"));
        assert_eq!(find(&http_api(&json!({ "lambda": { "sub": {} } }))).unwrap_err(), 401);
        assert_eq!(
            find(&http_api(&json!({ "jwt": { "claims": { "email": "x" } } }))).unwrap_err(),
            401
        );
    }
}
