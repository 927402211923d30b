//! The user that a caller names in the query or a header: for development only.

use axum::http::{HeaderName, request::Parts};

use super::found::Found;
use crate::{
    call::{problem::Problem, query},
    config::{
        environment::{ConfigError, Environment},
        variable,
    },
};

#[derive(Clone, Debug)]
pub(super) enum Insecure {
    Query(String),
    Header(HeaderName),
}

impl Insecure {
    /// Reads `query:<name>` or `header:<name>`, if the environment allows this.
    pub(super) fn from_environment(
        entry: &str,
        environment: &Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let insecure =
            Self::parse(entry).map_err(|problem| ConfigError::of(variable::IDENTITY, problem))?;
        if environment.flag(variable::ALLOW_INSECURE_IDENTITY)? {
            return Ok(insecure);
        }
        Err(ConfigError::of(
            variable::IDENTITY,
            "'query:' and 'header:' let every caller choose a user id; set ALLOW_INSECURE_IDENTITY=true where that is meant, as in development",
        ))
    }

    fn parse(entry: &str) -> Result<Self, String> {
        match entry.split_once(':') {
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(name.to_owned())),
            Some(("header", name)) => match name.parse() {
                Ok(name) => Ok(Self::Header(name)),
                Err(_) => Err(format!(
                    "'{name}' cannot be the name of a header; use letters, digits and -"
                )),
            },
            _ => Err(format!(
                "'{entry}' is not known; use anonymous, jwt, authorizer, easyauth, query:<name> or header:<name>"
            )),
        }
    }

    pub(super) fn find(&self, request: &Parts) -> Result<Option<Found>, Problem> {
        let user = match self {
            Self::Query(name) => query::parameter(&request.uri, name)?,
            Self::Header(name) => header(request, name)?,
        };
        Ok(user.map(|user| Found { user: Some(user), ..Found::default() }))
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Query(name) => format!("query parameter '{name}'"),
            Self::Header(name) => format!("header '{name}'"),
        }
    }
}

fn header(request: &Parts, name: &HeaderName) -> Result<Option<String>, Problem> {
    let mut values = request.headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_request(format!(
            "header '{name}' is there more than once; give it once"
        )));
    }
    match std::str::from_utf8(value.as_bytes()) {
        Ok(value) => Ok(Some(value.to_owned())),
        Err(_) => Err(Problem::bad_request(format!("header '{name}' is not UTF-8"))),
    }
}
