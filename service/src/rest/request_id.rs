//! The id of a call in logs: the caller's id, or a new one.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};

use crate::random_id::random_id;

/// The id that a caller may give. Source: Azure's SDKs.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
/// Source: W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The longest id that is accepted.
const LONGEST: usize = 128;

/// The caller's id, if it is printable and short, otherwise a new one.
pub(super) fn of(headers: &HeaderMap) -> Cow<'_, str> {
    let given = headers.get(CLIENT_REQUEST_ID).and_then(|id| id.to_str().ok());
    match given.filter(|id| (1..=LONGEST).contains(&id.len())) {
        Some(id) => id.into(),
        None => random_id().unwrap_or_default().into(),
    }
}

/// The trace that the caller is part of: 32 hexadecimal digits.
pub(super) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let parent = headers.get(TRACEPARENT)?.to_str().ok()?;
    let id = parent.split('-').nth(1)?;
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_bytes(value.as_bytes()).unwrap())])
    }

    #[test]
    fn an_id_that_cannot_be_printed_or_is_long_is_none() {
        assert_eq!(of(&headers(CLIENT_REQUEST_ID, "order-7")), "order-7");
        for bad in ["", "\u{e9}", &"x".repeat(LONGEST + 1)] {
            let id = of(&headers(CLIENT_REQUEST_ID, bad)).into_owned();
            assert!(id != bad && !id.is_empty(), "{bad}");
        }
    }

    #[test]
    fn a_trace_is_32_digits() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let of = |text: &str| trace_id(&headers(TRACEPARENT, text)).map(str::to_owned);
        assert_eq!(of(parent).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        for bad in ["", "00", "00-xyz-1-01", "00-0af7651916cd43dd8448eb211c80319-b-01"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
