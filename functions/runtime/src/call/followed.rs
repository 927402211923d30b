//! The headers by which a call is found again in the logs of all that it reaches.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use serde_json::{Map, Value};

/// The id of a call, as Azure's SDKs send it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
/// The trace of a call. Source: W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The longest value that is handed on.
const LONGEST: usize = 128;

/// How a caller follows its call: what came of the two headers. A handler hands it on to the service.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    request_id: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
}

impl Followed {
    /// What is in the headers of a request. A value that cannot be printed or is long counts as none.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let value = |name| {
            let value: &HeaderValue = headers.get(name)?;
            let is_good = value.to_str().is_ok() && (1..=LONGEST).contains(&value.len());
            is_good.then(|| value.clone())
        };
        Self { request_id: value(REQUEST_ID), traceparent: value(TRACEPARENT) }
    }

    /// The client, whose calls then carry the same headers.
    #[cfg(feature = "rest")]
    #[must_use]
    pub fn hand_on(
        self,
        client: signalr_serverless::rest::RestClient,
    ) -> signalr_serverless::rest::RestClient {
        let headers = [(REQUEST_ID, self.request_id), (TRACEPARENT, self.traceparent)];
        headers.into_iter().fold(client, |client, (name, value)| match value {
            Some(value) => client.with_header(name, value),
            None => client,
        })
    }

    /// The fields of the call in the log, as the service names them; `None` if nobody follows it.
    pub(crate) fn fields(&self) -> Option<Map<String, Value>> {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let trace = |parent: String| parent.split('-').nth(1).map(str::to_owned);
        let request_id = self.request_id.as_ref().and_then(text);
        let trace_id = self.traceparent.as_ref().and_then(text).and_then(trace);
        let fields = [("request_id", request_id), ("trace_id", trace_id)];
        let there =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        Some(there.collect::<Map<_, _>>()).filter(|fields| !fields.is_empty())
    }
}

impl<S: Sync> FromRequestParts<S> for Followed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_printed_or_is_long_is_not_handed_on() {
        let fields = |value: &[u8]| {
            let headers =
                HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_bytes(value).unwrap())]);
            Followed::of(&headers).fields()
        };
        assert_eq!(fields(b"order-7").unwrap()["request_id"], "order-7");
        for bad in [&b""[..], b"\xff", &[b'x'; LONGEST + 1]] {
            assert!(fields(bad).is_none());
        }
    }
}
