//! One place to look for a user.

use std::time::SystemTime;

use axum::http::request::Parts;

#[cfg(feature = "lambda")]
use super::authorizer::Authorizer;
#[cfg(feature = "oidc")]
use super::oidc::Verifier;
#[cfg(any(feature = "lambda", feature = "oidc"))]
use super::user_claim::UserClaim;
use super::{easyauth::FrontEnd, found::Found, insecure::Insecure};
use crate::{
    call::problem::Problem,
    config::{
        environment::{ConfigError, Environment},
        http_client::HttpClient,
        listen::Listen,
        variable,
    },
};

#[derive(Clone, Debug)]
pub(super) enum Source {
    /// No user.
    Anonymous,
    /// The user that Azure's front end found.
    EasyAuth(FrontEnd),
    /// The user that API Gateway's authorizer found.
    #[cfg(feature = "lambda")]
    Authorizer(Authorizer),
    /// The user of a token that is checked here.
    #[cfg(feature = "oidc")]
    Jwt(Verifier),
    /// The user that the caller names.
    Insecure(Insecure),
}

impl Source {
    pub(super) fn from_environment(
        entry: &str,
        environment: &Environment<'_>,
        listen: Listen,
        http: &HttpClient,
    ) -> Result<Self, ConfigError> {
        match entry {
            "anonymous" => Ok(Self::Anonymous),
            "easyauth" => Ok(Self::EasyAuth(FrontEnd::from_environment(environment, listen)?)),
            "authorizer" => authorizer(environment, listen),
            "jwt" => jwt(environment, http),
            _ => Ok(Self::Insecure(Insecure::from_environment(entry, environment)?)),
        }
    }

    /// The user, or `None` if the call names none in this place.
    ///
    /// # Errors
    ///
    /// [`Problem`] if the call names a user that is not valid.
    pub(super) async fn find(
        &self,
        request: &Parts,
        now: SystemTime,
    ) -> Result<Option<Found>, Problem> {
        match self {
            Self::Anonymous => Ok(Some(Found::default())),
            Self::EasyAuth(front_end) => front_end.find(&request.headers, now),
            #[cfg(feature = "lambda")]
            Self::Authorizer(authorizer) => authorizer.find(&request.extensions),
            #[cfg(feature = "oidc")]
            Self::Jwt(verifier) => verifier.find(&request.headers, now).await,
            Self::Insecure(insecure) => insecure.find(request),
        }
    }

    /// A text that says what a caller can send, for a refusal.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Anonymous => "nothing".to_owned(),
            Self::EasyAuth(_) => "signing in with this app".to_owned(),
            #[cfg(feature = "lambda")]
            Self::Authorizer(_) => "what the API's authorizer asks for".to_owned(),
            #[cfg(feature = "oidc")]
            Self::Jwt(_) => "header 'authorization' with Bearer and a token".to_owned(),
            Self::Insecure(insecure) => insecure.describe(),
        }
    }

    /// The query parameter that names the user.
    pub(super) fn query_parameter(&self) -> Option<&str> {
        match self {
            Self::Insecure(Insecure::Query(name)) => Some(name),
            _ => None,
        }
    }

    pub(super) fn is_bearer(&self) -> bool {
        match self {
            #[cfg(feature = "oidc")]
            Self::Jwt(_) => true,
            _ => false,
        }
    }
}

/// Refuses the authorizer outside Lambda, because API Gateway sends the authorizer's result only to
/// Lambda.
#[cfg(feature = "lambda")]
fn authorizer(environment: &Environment<'_>, listen: Listen) -> Result<Source, ConfigError> {
    match listen {
        Listen::Lambda => {
            let user_claim = UserClaim::from_environment(environment)?;
            Ok(Source::Authorizer(Authorizer::new(user_claim)))
        }
        Listen::Azure { .. } | Listen::Local { .. } => Err(ConfigError::of(
            variable::IDENTITY,
            "'authorizer' works on AWS Lambda behind API Gateway only; use jwt here",
        )),
    }
}

#[cfg(not(feature = "lambda"))]
fn authorizer(_: &Environment<'_>, _: Listen) -> Result<Source, ConfigError> {
    Err(ConfigError::of(
        variable::IDENTITY,
        "'authorizer' needs AWS Lambda, and this program was built without its feature `lambda`",
    ))
}

#[cfg(feature = "oidc")]
fn jwt(environment: &Environment<'_>, http: &HttpClient) -> Result<Source, ConfigError> {
    let user_claim = UserClaim::from_environment(environment)?;
    let verifier = Verifier::from_environment(environment, http, user_claim)?;
    Ok(Source::Jwt(verifier))
}

#[cfg(not(feature = "oidc"))]
fn jwt(_: &Environment<'_>, _: &HttpClient) -> Result<Source, ConfigError> {
    Err(ConfigError::of(
        variable::IDENTITY,
        "has 'jwt', but this program was built without its feature `oidc`; build it with",
    ))
}
