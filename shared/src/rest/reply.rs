//! The service's reply, read completely and checked.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::{Error, Refusal},
    error_code,
    operation::Operation,
};

/// The longest body, in bytes. The largest reply has 2.5 MB: a page of 200 connections with the
/// longest user ids, all written as `\u` escapes.
const LONGEST_BODY: usize = 4 << 20;

/// A reply with the body read.
pub(super) struct Reply {
    status: StatusCode,
    endpoint: Arc<str>,
    operation: Operation,
    error_code: Option<String>,
    retry_after: Option<Duration>,
    body: Body,
}

enum Body {
    Whole(Vec<u8>),
    TooLong,
}

impl Reply {
    /// Reads the body to its end, so that the connection can be used again.
    pub(super) async fn read(
        mut response: reqwest::Response,
        operation: Operation,
        endpoint: &Arc<str>,
    ) -> Result<Self, reqwest::Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST_BODY {
                break;
            }
        }
        let body = if bytes.len() > LONGEST_BODY { Body::TooLong } else { Body::Whole(bytes) };
        let headers = response.headers();
        let error_code = headers.get(error_code::HEADER);
        Ok(Self {
            status: response.status(),
            endpoint: Arc::clone(endpoint),
            operation,
            error_code: error_code.and_then(|code| code.to_str().ok()).map(str::to_owned),
            retry_after: retry_after(headers, SystemTime::now()),
            body,
        })
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// How long the service asks to wait before the next call.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether this is a 404 from the service itself, with this `x-ms-error-code`.
    ///
    /// A 404 without the code comes from a wrong endpoint.
    pub(super) fn is_not_found(&self, error_code: &str) -> bool {
        self.status == StatusCode::NOT_FOUND
            && self.error_code.as_ref().is_some_and(|code| code.eq_ignore_ascii_case(error_code))
    }

    pub(super) fn into_success(self) -> Result<Self, Error> {
        if self.status.is_success() { Ok(self) } else { Err(self.refusal()) }
    }

    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match &self.body {
            Body::Whole(body) => {
                serde_json::from_slice(body).map_err(|error| self.invalid(error.to_string()))
            }
            Body::TooLong => Err(self.invalid(format!("it has more than {LONGEST_BODY} bytes"))),
        }
    }

    fn invalid(&self, problem: String) -> Error {
        Error::InvalidReply {
            endpoint: self.endpoint.to_string(),
            operation: self.operation,
            problem,
        }
    }

    fn refusal(&self) -> Error {
        let detail = match &self.body {
            Body::Whole(body) => serde_json::from_slice::<ErrorDetail>(body).unwrap_or_default(),
            Body::TooLong => ErrorDetail::default(),
        };
        let code = self.error_code.clone().or(detail.code);
        let message = detail.message.or(detail.detail).or(detail.title);
        Error::Refused(Box::new(Refusal {
            endpoint: self.endpoint.to_string(),
            operation: self.operation,
            status: self.status,
            code: code.map(|code| one_line(&code)),
            message: message.map(|message| one_line(&message)),
            retry_after: self.retry_after,
        }))
    }
}

/// The service's description of an error, or the fields of `application/problem+json`, which
/// asrs-emulator sends.
#[derive(Default, Deserialize)]
struct ErrorDetail {
    code: Option<String>,
    message: Option<String>,
    detail: Option<String>,
    title: Option<String>,
}

/// `Retry-After`: seconds, or a date. Source: RFC 9110, section 10.2.3.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Text from outside, as one line for a log.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 500;
    text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
