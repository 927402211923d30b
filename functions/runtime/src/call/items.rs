//! A body that is one item or an array of items, checked completely before anything is done.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use signalr_serverless::{Error, Fault};

use crate::call::{function::BODY_LIMIT, problem::Problem};

/// The most items that one call may have.
pub const MAX_ITEMS: usize = 100;

/// The items of a body, each as the received JSON text.
#[derive(Debug)]
pub struct Items {
    items: Vec<Box<RawValue>>,
    is_array: bool,
}

impl Items {
    /// Parses every item: its JSON to a `J`, and the `J` to a `T`.
    ///
    /// # Errors
    ///
    /// 400 for the first bad item, with the reason and, in an array, its index.
    pub fn parse<J, T>(&self) -> Result<Vec<T>, Problem>
    where
        J: DeserializeOwned,
        T: TryFrom<J, Error = String>,
    {
        let parse = |item: &RawValue| {
            // Serde would accept an array as an object's fields in their order.
            if !item.get().starts_with('{') {
                return Err("an item must be a JSON object".to_owned());
            }
            let json: J = serde_json::from_str(item.get()).map_err(|error| error.to_string())?;
            T::try_from(json)
        };
        let parsed = self.items.iter().enumerate();
        parsed.map(|(index, item)| parse(item).map_err(|reason| self.bad(index, reason))).collect()
    }

    /// Checks every parsed item.
    ///
    /// # Errors
    ///
    /// 400 for the first bad item, with the reason and, in an array, its index.
    pub fn check<T>(
        &self,
        parsed: &[T],
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<(), Problem> {
        let mut checked = parsed.iter().map(check).enumerate();
        checked.try_for_each(|(index, checked)| checked.map_err(|reason| self.bad(index, reason)))
    }

    /// Refuses an item that could never be sent. `rehearsed` is its result with a client that [sends
    /// nothing](signalr_serverless::rest::RestClient::without_sending). So the caller's mistakes are
    /// found before anything is sent.
    ///
    /// # Errors
    ///
    /// 400 with the reason and, in an array, the index.
    #[cfg(feature = "rest")]
    pub fn refuse_unsendable<T>(
        &self,
        index: usize,
        rehearsed: Result<T, Error>,
    ) -> Result<(), Problem> {
        match rehearsed {
            Ok(_) | Err(Error::NotSent(_)) => Ok(()),
            // Other errors concern all items and are reported when the first item is sent.
            Err(error) => self.unsendable(index, &error).map_or(Ok(()), Err),
        }
    }

    /// The refusal of an item that could never be sent, if the error says so.
    fn unsendable(&self, index: usize, error: &Error) -> Option<Problem> {
        let is_of_item = error.fault() == Fault::Caller && !matches!(error, Error::Refused(_));
        is_of_item.then(|| self.bad(index, error.to_string()))
    }

    /// The refusal of a single item that could never be sent. Nothing is sent before it, so it needs no
    /// rehearsal.
    pub(crate) fn unsendable_single(&self, error: &Error) -> Option<Problem> {
        if self.are_several() { None } else { self.unsendable(0, error) }
    }

    /// Whether there are several items.
    #[must_use]
    pub fn are_several(&self) -> bool {
        self.items.len() > 1
    }

    fn bad(&self, index: usize, reason: String) -> Problem {
        match self.is_array {
            true => Problem::bad_request(format!("item {index}: {reason}")).at(index),
            false => Problem::bad_request(reason),
        }
    }

    /// Splits a body.
    ///
    /// # Errors
    ///
    /// 400 for a body that is not JSON and for an empty array, 413 for too many items.
    pub fn split(body: &[u8]) -> Result<Self, Problem> {
        let not_json = |error| Problem::bad_request(format!("the body is not JSON: {error}"));
        let is_array = body.trim_ascii_start().starts_with(b"[");
        if !is_array {
            let item = serde_json::from_slice(body).map_err(not_json)?;
            return Ok(Self { items: vec![item], is_array });
        }
        let items: Vec<Box<RawValue>> = serde_json::from_slice(body).map_err(not_json)?;
        match items.len() {
            0 => Err(Problem::bad_request("the array is empty; give it at least one item")),
            1..=MAX_ITEMS => Ok(Self { items, is_array }),
            count => Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the array has {count} items; a call may have {MAX_ITEMS}, so make several"
                ),
            )),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Items {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        let body =
            Bytes::from_request(request, state).await.map_err(|rejection| {
                match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        format!("the body is longer than {BODY_LIMIT} bytes; make several calls"),
                    ),
                    _ => Problem::bad_request("the body did not arrive whole"),
                }
            })?;
        Self::split(&body)
    }
}

/// Accepts only `application/json`: a browser sends forms and plain text for a page of another
/// origin without asking first.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let came = match (values.next(), values.next()) {
        (None, _) => "none".to_owned(),
        (Some(_), Some(_)) => "more than one".to_owned(),
        (Some(value), None) => {
            let value = String::from_utf8_lossy(value.as_bytes());
            let media_type = value.split(';').next().unwrap_or_default().trim();
            if media_type.eq_ignore_ascii_case("application/json") {
                return Ok(());
            }
            format!("'{}'", media_type.escape_default())
        }
    };
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("the content type must be application/json; {came} came"),
    ))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Json {
        n: Box<RawValue>,
    }

    #[derive(Debug, PartialEq)]
    struct Number(String);

    impl TryFrom<Json> for Number {
        type Error = String;

        fn try_from(json: Json) -> Result<Self, String> {
            match json.n.get() {
                "0" => Err("n is 0".to_owned()),
                n => Ok(Self(n.to_owned())),
            }
        }
    }

    fn parse(body: impl AsRef<[u8]>) -> Result<Vec<String>, serde_json::Value> {
        Items::split(body.as_ref())
            .and_then(|items| items.parse::<Json, Number>())
            .map(|numbers| numbers.into_iter().map(|number| number.0).collect())
            .map_err(|problem| serde_json::to_value(&problem).unwrap())
    }

    #[test]
    fn one_item_or_several_keep_their_text() {
        assert_eq!(parse(br#" {"n": 12345678901234567890} "#).unwrap(), ["12345678901234567890"]);
        assert_eq!(parse(b"\n[{\"n\":1.0},{\"n\":[ 1 ]}]").unwrap(), ["1.0", "[ 1 ]"]);
        let most = format!("[{}]", vec![r#"{"n":1}"#; MAX_ITEMS].join(","));
        assert_eq!(parse(most).unwrap().len(), MAX_ITEMS);
    }

    #[test]
    fn the_first_bad_item_is_named() {
        for (body, index, part) in [
            (r#"[{"n":1},{"n":0}]"#, 1, "item 1: n is 0"),
            (r#"[{"n":1},{"m":1}]"#, 1, "unknown field `m`"),
            (r#"[{"n":1},{"n":1},[1]]"#, 2, "must be a JSON object"),
            (r#"[[{"n":1}]]"#, 0, "must be a JSON object"),
            (r#"[{"n":1,"n":2}]"#, 0, "duplicate field `n`"),
            (r#"[null]"#, 0, "must be a JSON object"),
        ] {
            let problem = parse(body).unwrap_err();
            assert_eq!((&problem["status"], &problem["index"]), (&400.into(), &index.into()));
            assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
        }
        let single = parse(r#"{"n":0}"#).unwrap_err();
        assert_eq!((&single["detail"], single.get("index")), (&"n is 0".into(), None));
    }

    #[test]
    fn what_is_not_an_item_or_an_array_is_refused() {
        let many = format!("[{}]", vec!["0"; MAX_ITEMS + 1].join(","));
        let cases: [(&[u8], u16); 10] = [
            (b"", 400),
            (b"[]", 400),
            (b"{", 400),
            (b"{\"n\":1}x", 400),
            (b"\"text\"", 400),
            (b"null", 400),
            (b"{\"n\":\"\xff\"}", 400),
            (b"\xef\xbb\xbf{\"n\":1}", 400),
            (b"[{\"n\":1},]", 400),
            (many.as_bytes(), 413),
        ];
        for (body, status) in cases {
            let problem = parse(body).unwrap_err();
            assert_eq!(problem["status"], status, "{problem}");
        }
        let deep = format!("{{\"n\":{}1{}}}", "[".repeat(400_000), "]".repeat(400_000));
        assert_eq!(parse(deep).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn only_json_is_taken() {
        for (content_types, expected) in [
            (&["application/json"][..], 200),
            (&["Application/JSON; charset=utf-8"], 200),
            (&[], 415),
            (&["text/plain"], 415),
            (&["application/x-www-form-urlencoded"], 415),
            (&["multipart/form-data; boundary=x"], 415),
            (&["application/jsonp"], 415),
            (&["text/plain, application/json"], 415),
            (&["application/json", "text/plain"], 415),
        ] {
            let request = content_types.iter().fold(Request::post("/"), |request, value| {
                request.header(header::CONTENT_TYPE, *value)
            });
            let request = request.body(Body::from(r#"{"n":1}"#)).unwrap();
            let status = match Items::from_request(request, &()).await {
                Ok(_) => 200,
                Err(problem) => problem.status().as_u16(),
            };
            assert_eq!(status, expected, "{content_types:?}");
        }
    }
}
