//! The kind of a request, according to its headers.

use http::{HeaderMap, HeaderName, header};

/// Whether a request asks for a WebSocket.
pub(super) fn ask_for_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
}

/// Whether a request asks for an event stream.
pub(super) fn ask_for_events(headers: &HeaderMap) -> bool {
    values(headers, &header::ACCEPT).any(|value| value.starts_with("text/event-stream"))
}

/// Whether a header that contains a list contains this token.
pub(super) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    values(headers, name).any(|value| value.eq_ignore_ascii_case(token))
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}
