//! The client that called, and the service's information about it.

use axum::http::{HeaderMap, HeaderName};
use signalr_function_runtime::{Followed, Problem};
use signalr_serverless::{
    ConnectionId, HubName, UserId,
    rest::RestClient,
    upstream::{claims, header},
};

/// The client that an event is about, as the service describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    connection: ConnectionId,
    hub: HubName,
    user: Option<UserId>,
    claims: Vec<(String, String)>,
    query: Vec<(String, String)>,
    followed: Followed,
}

impl Context {
    /// The client's connection, to answer it later or to add it to a group.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// The hub's name on the service, with the application's prefix if there is one.
    #[must_use]
    pub fn hub(&self) -> &HubName {
        &self.hub
    }

    /// The user that the client's token names.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// The claims of the client's token, as type and value.
    ///
    /// The service sends them in one header, separated by commas. A value with a comma arrives only
    /// up to the comma.
    #[must_use]
    pub fn claims(&self) -> &[(String, String)] {
        &self.claims
    }

    /// The first claim of a type.
    #[must_use]
    pub fn claim(&self, r#type: &str) -> Option<&str> {
        first(&self.claims, r#type)
    }

    /// The query that the client connected with, decoded.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The first value of a parameter of that query.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// The client of the service, whose calls then have the same `traceparent` and
    /// `x-ms-client-request-id` as this event. So the event and its calls are one trace.
    #[must_use]
    pub fn hand_on(&self, client: RestClient) -> RestClient {
        self.followed.clone().hand_on(client)
    }

    /// Reads the service's headers. `followed` has those that handlers hand on.
    pub(crate) fn of(headers: &HeaderMap, followed: Followed) -> Result<Self, Problem> {
        let bad = |error: signalr_serverless::NameError| Problem::bad_request(error.to_string());
        let query = text(headers, &header::CLIENT_QUERY)?.unwrap_or_default();
        let query = query.strip_prefix('?').unwrap_or(query);
        Ok(Self {
            connection: ConnectionId::parse(required(headers, &header::CONNECTION_ID)?)
                .map_err(bad)?,
            hub: HubName::parse(required(headers, &header::HUB)?).map_err(bad)?,
            user: text(headers, &header::USER_ID)?
                .filter(|user| !user.is_empty())
                .map(UserId::parse)
                .transpose()
                .map_err(bad)?,
            claims: claims::from_header(text(headers, &header::USER_CLAIMS)?.unwrap_or_default()),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            followed,
        })
    }
}

/// A header that every request of the service has.
pub(crate) fn required<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Problem> {
    match text(headers, name)? {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(Problem::bad_request(format!(
            "the header {name} is missing; requests of the service have it"
        ))),
    }
}

/// The text of a header. If there are several of one name, none can be trusted.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match str::from_utf8(value.as_bytes()) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Problem::bad_request(format!("the header {name} is not UTF-8"))),
        },
        (Some(_), Some(_)) => {
            Err(Problem::bad_request(format!("the header {name} is there more than once")))
        }
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn context_of(pairs: &[(&'static str, &str)]) -> Result<Context, Problem> {
        Context::of(&headers(pairs), Followed::default())
    }

    const LEAST: [(&str, &str); 2] = [("x-asrs-connection-id", "c1"), ("x-asrs-hub", "Chat")];

    #[test]
    fn the_headers_say_who_called() {
        let context = context_of(&[
            LEAST[0],
            LEAST[1],
            ("x-asrs-user-id", "Änn"),
            ("x-asrs-user-claims", "sub: Änn, role: a, role: b, name: Doe, J, asrs.u.exp: x, odd"),
            ("x-asrs-client-query", "?hub=chat&x=%20a+b&x=2"),
        ])
        .unwrap();
        assert_eq!(context.connection().as_str(), "c1");
        assert_eq!(context.hub().as_str(), "chat");
        assert_eq!(context.user().unwrap().as_str(), "Änn");
        assert_eq!(context.claim("role"), Some("a"));
        assert_eq!(context.claim("name"), Some("Doe"));
        assert_eq!(context.claim("exp"), Some("x"));
        assert_eq!(context.claims().len(), 5);
        assert_eq!(context.parameter("x"), Some(" a b"));
        assert_eq!(context.query().len(), 3);
    }

    #[test]
    fn what_is_missing_is_nobody_and_nothing() {
        let least = context_of(&LEAST).unwrap();
        assert_eq!((least.user(), least.claims(), least.query()), (None, &[][..], &[][..]));
        let blank = context_of(&[LEAST[0], LEAST[1], ("x-asrs-user-id", "")]).unwrap();
        assert_eq!(blank.user(), None);
    }

    #[test]
    fn bad_headers_are_named() {
        let long = "u".repeat(1025);
        for (pairs, part) in [
            (&LEAST[..1], "x-asrs-hub is missing"),
            (&LEAST[1..], "x-asrs-connection-id is missing"),
            (&[LEAST[0], ("x-asrs-hub", "9")][..], "hub name '9'"),
            (&[LEAST[0], LEAST[1], ("x-asrs-user-id", &long)][..], "user id"),
            (&[LEAST[0], LEAST[0], LEAST[1]][..], "more than once"),
        ] {
            let problem = context_of(pairs).unwrap_err();
            assert_eq!(problem.status(), 400);
            assert!(problem.detail().contains(part), "{}", problem.detail());
        }
        let mut broken = headers(&LEAST);
        broken.insert("x-asrs-user-id", HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(
            Context::of(&broken, Followed::default()).unwrap_err().detail().contains("not UTF-8")
        );
    }
}
