//! Who negotiates: where the user id of a call comes from.

use axum::http::{HeaderName, StatusCode, request::Parts};
use signalr_serverless::UserId;

use crate::{
    config::{ConfigError, Environment},
    problem::Problem,
    query, variable,
};

/// The places to look for a user id, in order. The first that has one decides; where none has, and
/// `anonymous` is not among them, the call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Vec<Source>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// No user id at all.
    Anonymous,
    Query(String),
    Header(HeaderName),
}

impl Identity {
    pub(crate) fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let Some(entries) = environment.list(variable::IDENTITY)? else {
            return Ok(Self(vec![Source::Anonymous]));
        };
        let refuse = |problem: String| ConfigError::of(variable::IDENTITY, problem);
        let sources = entries
            .iter()
            .map(|entry| Source::parse(entry))
            .collect::<Result<Vec<_>, _>>()
            .map_err(refuse)?;
        let anonymous = sources.iter().position(|source| *source == Source::Anonymous);
        if anonymous.is_some_and(|index| index + 1 < sources.len()) {
            return Err(refuse("what follows 'anonymous' is never tried; put it last".to_owned()));
        }
        let insecure = sources.iter().any(|source| *source != Source::Anonymous);
        if insecure && !insecure_is_allowed(environment)? {
            return Err(refuse(
                "'query:' and 'header:' let every caller choose a user id; set ALLOW_INSECURE_IDENTITY=true where that is meant, as in development"
                    .to_owned(),
            ));
        }
        Ok(Self(sources))
    }

    /// The user that a call is made for; `None` is an anonymous one.
    ///
    /// # Errors
    ///
    /// 401 where an id is required and missing, 400 where it cannot be a user id.
    pub fn user_of(&self, request: &Parts) -> Result<Option<UserId>, Problem> {
        for source in &self.0 {
            let value = match source {
                Source::Anonymous => return Ok(None),
                Source::Query(name) => query::parameter(&request.uri, name)?,
                Source::Header(name) => header(request, name)?,
            };
            if let Some(value) = value {
                let user = UserId::parse(&value);
                return user.map(Some).map_err(|error| Problem::bad_request(error.to_string()));
            }
        }
        let places: Vec<_> = self.0.iter().map(Source::describe).collect();
        let detail = format!("this call needs a user id; give it as {}", places.join(" or "));
        Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
    }
}

impl Source {
    fn parse(entry: &str) -> Result<Self, String> {
        match entry.split_once(':') {
            None if entry == "anonymous" => Ok(Self::Anonymous),
            None if ["authorizer", "easyauth", "jwt"].contains(&entry) => Err(format!(
                "'{entry}' does not work in this version; use anonymous, query:<name> or header:<name>"
            )),
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(name.to_owned())),
            Some(("header", name)) => match name.parse() {
                Ok(name) => Ok(Self::Header(name)),
                Err(_) => Err(format!(
                    "'{name}' cannot be the name of a header; use letters, digits and -"
                )),
            },
            _ => {
                Err(format!("'{entry}' is not known; use anonymous, query:<name> or header:<name>"))
            }
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Anonymous => "nothing".to_owned(),
            Self::Query(name) => format!("query parameter '{name}'"),
            Self::Header(name) => format!("header '{name}'"),
        }
    }
}

fn insecure_is_allowed(environment: &Environment<'_>) -> Result<bool, ConfigError> {
    let variable = variable::ALLOW_INSECURE_IDENTITY;
    match environment.text(variable)?.as_deref() {
        Some("true") => Ok(true),
        Some("false") | None => Ok(false),
        Some(other) => {
            Err(ConfigError::of(variable, format!("'{other}' is not known; use true or false")))
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

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::config::tests::config;

    fn identity(value: &str) -> Result<Identity, String> {
        config(&[("NEGOTIATE_IDENTITY", value), ("ALLOW_INSECURE_IDENTITY", "true")])
            .map(|config| config.identity)
    }

    fn user(identity: &Identity, query: &str, headers: &[&[u8]]) -> Result<Option<String>, u16> {
        let mut request = Request::post(format!("/negotiate?{query}"));
        for value in headers {
            request = request.header("x-user", *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match identity.user_of(&parts) {
            Ok(user) => Ok(user.map(|user| user.as_str().to_owned())),
            Err(problem) => Err(problem.status().as_u16()),
        }
    }

    #[test]
    fn a_list_is_tried_in_order() {
        let identity = identity("header:X-User, query:user, anonymous").unwrap();
        assert_eq!(user(&identity, "user=ann", &[b"bob"]), Ok(Some("bob".to_owned())));
        assert_eq!(user(&identity, "user=ann", &[]), Ok(Some("ann".to_owned())));
        assert_eq!(user(&identity, "", &[]), Ok(None));
    }

    #[test]
    fn a_required_id_that_is_missing_is_401() {
        assert_eq!(user(&identity("query:user").unwrap(), "name=ann", &[]), Err(401));
        assert_eq!(user(&identity("anonymous").unwrap(), "user=ann", &[]), Ok(None));
    }

    #[test]
    fn what_cannot_be_a_user_id_is_400_even_where_anonymous_would_do() {
        let identity = identity("header:x-user,query:user,anonymous").unwrap();
        let long = format!("user={}", "u".repeat(1025));
        for query in ["user=", "user=a&user=b", "user=%ff", &long] {
            assert_eq!(user(&identity, query, &[]), Err(400), "{query}");
        }
        for headers in [&[&b"\xff"[..]][..], &[b"a", b"b"], &[b""]] {
            assert_eq!(user(&identity, "", headers), Err(400), "{headers:?}");
        }
        assert_eq!(user(&identity, "", &["Jürgen".as_bytes()]), Ok(Some("Jürgen".to_owned())));
    }

    #[test]
    fn bad_settings_are_refused() {
        let cases = [
            ("easyauth", "'easyauth' does not work in this version"),
            ("query:user,jwt", "'jwt' does not work"),
            ("authorizer", "'authorizer' does not work"),
            ("anonymous,query:user", "put it last"),
            ("query:", "'query:' is not known"),
            ("header:a b", "'a b' cannot be the name of a header"),
            ("cookie:x", "'cookie:x' is not known; use anonymous, query:<name> or header:<name>"),
        ];
        for (value, part) in cases {
            let error = identity(value).unwrap_err();
            assert!(error.starts_with("NEGOTIATE_IDENTITY: ") && error.contains(part), "{error}");
        }
    }

    #[test]
    fn an_insecure_source_must_be_allowed() {
        let identity = ("NEGOTIATE_IDENTITY", "query:user");
        for allowed in ["", "false"] {
            let error = config(&[identity, ("ALLOW_INSECURE_IDENTITY", allowed)]).unwrap_err();
            assert!(error.contains("set ALLOW_INSECURE_IDENTITY=true"), "{error}");
        }
        let error = config(&[identity, ("ALLOW_INSECURE_IDENTITY", "yes")]).unwrap_err();
        assert!(error.starts_with("ALLOW_INSECURE_IDENTITY: 'yes'"), "{error}");
    }
}
