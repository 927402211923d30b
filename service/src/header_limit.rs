//! How large the headers of a request may be.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

/// The largest headers, in bytes of names and values. Source: the limits of Azure's REST API.
const MAX_HEADERS: usize = 16 * 1024;

/// The refusal of a request whose headers are too large. The token is apart: its audience repeats the
/// URL, which a long group name alone can fill.
pub(crate) fn refusal(headers: &HeaderMap) -> Option<Response> {
    let size = size(headers);
    let text = || format!("the headers have {size} bytes, more than {MAX_HEADERS}; send fewer");
    (size > MAX_HEADERS)
        .then(|| (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text()).into_response())
}

fn size(headers: &HeaderMap) -> usize {
    let counted = headers.iter().filter(|(name, _)| *name != header::AUTHORIZATION);
    counted.map(|(name, value)| name.as_str().len() + value.len()).sum()
}
