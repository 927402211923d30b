//! The service's address as its callers know it.

use http::{HeaderMap, header};

/// The scheme and host under which the caller reached the service, before any proxy; `scheme` is
/// that of the port.
pub(super) fn public_base(headers: &HeaderMap, scheme: &str) -> String {
    let text = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.split(',').next().map(str::trim)
    };
    let scheme = text("x-forwarded-proto").unwrap_or(scheme);
    let host = text("x-forwarded-host").or_else(|| text(header::HOST.as_str()));
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}
