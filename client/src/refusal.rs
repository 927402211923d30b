//! The texts about a server that refuses or does not answer.

use signalr_http_client::cause;
use url::Url;

use crate::error::ConnectError;

/// How many characters of a refusal are shown.
const SHOWN_CHARACTERS: usize = 200;

pub(crate) fn unreachable(host: &str, error: &reqwest::Error) -> ConnectError {
    ConnectError::Unreachable { host: host.to_owned(), problem: cause(error) }
}

/// `host:port`. It contains no secret; a query may contain one.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

pub(crate) fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut shown: String = text.trim().chars().take(SHOWN_CHARACTERS).collect();
    if shown.len() < text.trim().len() {
        shown.push('…');
    }
    shown
}
