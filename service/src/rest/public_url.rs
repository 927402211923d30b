//! The service's address for its callers.

use http::{HeaderMap, header};

use crate::request_path::FORWARDED_PREFIX;

/// The address by which the caller reached the service, before any proxy: scheme, host and the path
/// of a gateway.
pub(super) fn public_base(headers: &HeaderMap, scheme: &str) -> String {
    let prefix = headers.get(FORWARDED_PREFIX).and_then(|value| value.to_str().ok());
    let prefix = prefix.map(|prefix| prefix.trim_end_matches('/'));
    let prefix = prefix.filter(|prefix| prefix.starts_with('/')).unwrap_or_default();
    format!("{}{prefix}", public_origin(headers, scheme))
}

/// The scheme and host by which the caller reached the service, before any proxy. `scheme` is the
/// scheme of the port.
pub(super) fn public_origin(headers: &HeaderMap, scheme: &str) -> String {
    let text = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.split(',').next().map(str::trim)
    };
    let scheme = text("x-forwarded-proto").unwrap_or(scheme);
    let host = text("x-forwarded-host").or_else(|| text(header::HOST.as_str()));
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}
