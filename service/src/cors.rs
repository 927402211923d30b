//! Browsers may reach the service from any page: what protects it is the token, which a page
//! must have been given.

use std::time::Duration;

use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

/// How long a browser may keep the answer to a preflight, which is the same each time. Browsers keep
/// it for two hours at most.
const PREFLIGHT_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// Names the asking origin, never `*`, since the stock client sends credentials.
pub(crate) fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .allow_credentials(true)
        .max_age(PREFLIGHT_AGE)
}
