//! The headers that help to find a call in the logs of every program that it reaches.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use signalr_traces::Step;

/// The id of a call, as Azure's SDKs send it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
/// The trace of a call. Source: W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The longest value that is passed on.
const LONGEST: usize = 128;

/// The two headers by which a caller follows its call. A handler passes them to the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    request_id: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
}

impl Followed {
    /// Reads the headers of a request. A value that cannot be printed or is too long is ignored.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let value = |name| {
            let value: &HeaderValue = headers.get(name)?;
            let is_good = value.to_str().is_ok() && (1..=LONGEST).contains(&value.len());
            is_good.then(|| value.clone())
        };
        Self { request_id: value(REQUEST_ID), traceparent: value(TRACEPARENT) }
    }

    /// The same headers, with the call's own span if spans are sent.
    pub(crate) fn within(self, step: &Step) -> Self {
        Self { traceparent: step.traceparent().or(self.traceparent), ..self }
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

    /// Whether the caller sent a header to follow its call.
    pub(crate) fn is_followed(&self) -> bool {
        self.request_id.is_some() || self.traceparent.is_some()
    }

    /// The id of the call.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref()?.to_str().ok()
    }

    /// The trace of the call: 32 hexadecimal digits.
    pub(crate) fn trace_id(&self) -> Option<&str> {
        let id = self.traceparent.as_ref()?.to_str().ok()?.split('-').nth(1)?;
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then_some(id)
    }
}

impl<S: Sync> FromRequestParts<S> for Followed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: HeaderName, value: &[u8]) -> Followed {
        Followed::of(&HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).unwrap())]))
    }

    #[test]
    fn what_cannot_be_printed_or_is_long_is_not_handed_on() {
        assert_eq!(of(REQUEST_ID, b"order-7").request_id(), Some("order-7"));
        for bad in [&b""[..], b"\xff", &[b'x'; LONGEST + 1]] {
            assert!(!of(REQUEST_ID, bad).is_followed());
        }
    }

    #[test]
    fn a_trace_is_32_digits() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let parent = format!("00-{id}-b7ad6b7169203331-01");
        assert_eq!(of(TRACEPARENT, parent.as_bytes()).trace_id(), Some(id));
        for bad in ["00", "00-xyz-1-01", &parent[..20]] {
            assert_eq!(of(TRACEPARENT, bad.as_bytes()).trace_id(), None, "{bad}");
        }
    }
}
