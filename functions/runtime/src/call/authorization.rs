//! Decides who may call the functions that are not open to everyone: broadcast and group-admin.

use std::fmt;

use axum::http::{StatusCode, header, request::Parts};
use subtle::{Choice, ConstantTimeEq};

use crate::{
    call::{cors::AllowedOrigins, problem::Problem, query},
    config::{
        environment::{ConfigError, Environment},
        listen::Listen,
        variable,
    },
};

const KEY_HEADER: &str = "x-functions-key";
const KEY_PARAMETER: &str = "code";

/// The settings of the environment about callers.
#[derive(Clone, Debug)]
pub(crate) struct Callers {
    keys: Vec<Key>,
    /// Whether the platform in front checks callers.
    platform: bool,
}

impl Callers {
    pub(crate) fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let keys = environment.list(variable::FUNCTION_KEY)?.unwrap_or_default();
        let platform = match environment.text(variable::FUNCTION_AUTH)?.as_deref() {
            None => false,
            Some("platform") => true,
            Some(other) => {
                let problem = format!("'{other}' is not known; use platform, or unset it");
                return Err(ConfigError::of(variable::FUNCTION_AUTH, problem));
            }
        };
        Ok(Self { keys: keys.into_iter().map(|key| Key(key.into())).collect(), platform })
    }

    /// The rule that a caller must send one of the keys; `None` if there are no keys.
    pub(crate) fn with_key(&self) -> Option<Authorization> {
        (!self.keys.is_empty()).then(|| Authorization(Rule::Keys(self.keys.clone())))
    }

    pub(crate) fn authorization(
        &self,
        listen: Listen,
        origins: &AllowedOrigins,
    ) -> Result<Authorization, ConfigError> {
        if self.platform {
            return Ok(Authorization(Rule::Platform));
        }
        if let Some(with_key) = self.with_key() {
            return Ok(with_key);
        }
        let rule = match listen {
            Listen::Local { .. } => Rule::ThisMachine(origins.clone()),
            Listen::Lambda | Listen::Azure { .. } => {
                return Err(ConfigError::of(
                    variable::FUNCTION_KEY,
                    "is not set, so that anyone could call broadcast and group-admin; set it, or FUNCTION_AUTH=platform where the platform checks callers",
                ));
            }
        };
        Ok(Authorization(rule))
    }
}

/// The rule that decides who may call.
#[derive(Clone, Debug)]
pub struct Authorization(Rule);

#[derive(Clone, Debug)]
enum Rule {
    /// Callers that send one of these keys.
    Keys(Vec<Key>),
    /// Callers that the platform lets through.
    Platform,
    /// Callers on this machine, except pages of origins that are not allowed: a browser on this
    /// machine runs pages from everywhere.
    ThisMachine(AllowedOrigins),
}

impl Authorization {
    /// Checks that the call is allowed. If there are a header and a query parameter, the header
    /// counts.
    ///
    /// # Errors
    ///
    /// 401 if a key is needed and the call has no right one, 403 for a page of another origin.
    pub fn check(&self, request: &Parts) -> Result<(), Problem> {
        match &self.0 {
            Rule::Platform => Ok(()),
            Rule::Keys(keys) => match sent_key(request)? {
                Some(sent) if is_one_of(keys, &sent) => Ok(()),
                Some(_) => Err(unauthorized("the key is not one of those in FUNCTION_KEY")),
                None => Err(unauthorized("the call has no key")),
            },
            Rule::ThisMachine(origins) => match request.headers.get(header::ORIGIN) {
                Some(origin) if !origins.allow(origin) => Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    format!(
                        "pages of {} may not call this function; add the origin to ALLOWED_ORIGINS",
                        origin.to_str().unwrap_or("this origin"),
                    ),
                )),
                _ => Ok(()),
            },
        }
    }
}

fn unauthorized(what: &str) -> Problem {
    let detail = format!("{what}; send it as header {KEY_HEADER} or as ?{KEY_PARAMETER}=");
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

fn sent_key(request: &Parts) -> Result<Option<Vec<u8>>, Problem> {
    let mut values = request.headers.get_all(KEY_HEADER).iter();
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Err(Problem::bad_request(format!(
            "header {KEY_HEADER} is there more than once; send it once"
        ))),
        (Some(value), None) => Ok(Some(value.as_bytes().to_vec())),
        (None, _) => Ok(query::parameter(&request.uri, KEY_PARAMETER)?.map(String::into_bytes)),
    }
}

/// Compares with every key to the end, so that the time reveals only lengths.
fn is_one_of(keys: &[Key], sent: &[u8]) -> bool {
    keys.iter().fold(Choice::from(0), |found, key| found | key.0.as_bytes().ct_eq(sent)).into()
}

#[derive(Clone)]
struct Key(Box<str>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::config::tests::config;

    const AZURE: (&str, &str) = ("FUNCTIONS_CUSTOMHANDLER_PORT", "1");

    fn authorization(set: &[(&str, &str)]) -> Result<Authorization, String> {
        config(set)?.authorization().map_err(|error| error.to_string())
    }

    fn status(authorization: &Authorization, uri: &str, headers: &[(&str, &str)]) -> u16 {
        let request = headers
            .iter()
            .fold(Request::post(uri), |request, (name, value)| request.header(*name, *value));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        authorization.check(&parts).map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn any_of_the_keys_will_do_in_header_or_query() {
        let keys = authorization(&[("FUNCTION_KEY", "old==, n+w"), AZURE]).unwrap();
        assert_eq!(status(&keys, "/", &[("x-functions-key", "old==")]), 200);
        assert_eq!(status(&keys, "/", &[("X-Functions-Key", "n+w")]), 200);
        assert_eq!(status(&keys, "/?a&code=n%2Bw", &[]), 200);
        assert_eq!(status(&keys, "/?code=old==", &[]), 200);
    }

    #[test]
    fn a_wrong_key_is_401_and_the_header_counts() {
        let keys = authorization(&[("FUNCTION_KEY", "right,other")]).unwrap();
        assert_eq!(status(&keys, "/", &[]), 401);
        assert_eq!(status(&keys, "/?code=", &[]), 401);
        for wrong in ["righ", "right1", "RIGHT", "right,other", "", "wrong"] {
            assert_eq!(status(&keys, "/", &[("x-functions-key", wrong)]), 401, "{wrong}");
        }
        assert_eq!(status(&keys, "/?code=right", &[("x-functions-key", "wrong")]), 401);
        assert_eq!(status(&keys, "/?code=wrong", &[("x-functions-key", "right")]), 200);
        assert_eq!(status(&keys, "/?code=right&code=right", &[]), 400);
        let twice = [("x-functions-key", "right"), ("x-functions-key", "other")];
        assert_eq!(status(&keys, "/", &twice), 400);
    }

    #[test]
    fn without_a_key_only_this_machine_or_the_platform_will_do() {
        let error = authorization(&[AZURE]).unwrap_err();
        assert!(error.starts_with("FUNCTION_KEY: is not set"), "{error}");
        assert_eq!(status(&authorization(&[]).unwrap(), "/", &[]), 200);
        let platform = authorization(&[("FUNCTION_AUTH", "platform"), AZURE]).unwrap();
        assert_eq!(status(&platform, "/", &[]), 200);
        // Azure's host expects its own key in the same place, so no call could have both.
        let both = [("FUNCTION_AUTH", "platform"), ("FUNCTION_KEY", "k"), AZURE];
        assert_eq!(status(&authorization(&both).unwrap(), "/?code=of-the-host", &[]), 200);
        assert!(authorization(&[("FUNCTION_AUTH", "none")]).unwrap_err().contains("'none'"));
    }

    #[cfg(feature = "lambda")]
    #[test]
    fn on_lambda_a_key_or_the_platform_is_needed() {
        let lambda = ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1");
        assert!(authorization(&[lambda]).is_err());
        assert!(authorization(&[lambda, ("FUNCTION_KEY", "k")]).is_ok());
    }

    #[test]
    fn a_foreign_page_in_this_machines_browser_may_not_call() {
        let page = |origin| [("origin", origin)];
        let open = authorization(&[("ALLOWED_ORIGINS", "loopback")]).unwrap();
        assert_eq!(status(&open, "/", &page("http://localhost:7071")), 200);
        assert_eq!(status(&open, "/", &page("https://evil.test")), 403);
        assert_eq!(status(&open, "/", &page("null")), 403);
    }
}
