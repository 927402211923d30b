//! The bearer token of a call.

use axum::http::{HeaderMap, header};

/// Why the token of a header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("header 'authorization' is there more than once")]
    Several,
    #[error("header 'authorization' is not text")]
    NoText,
    #[error("the bearer token is empty")]
    Empty,
}

/// The token in the header, or `None` if the call has none. A scheme other than Bearer counts as no
/// token.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Unreadable> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Unreadable::Several);
    }
    let value = value.to_str().map_err(|_| Unreadable::NoText)?;
    match value.split_once([' ', '\t']) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        None if value.eq_ignore_ascii_case("bearer") => Err(Unreadable::Empty),
        _ => Ok(None),
    }
}
