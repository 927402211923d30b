//! The page of the dashboard, and the headers of all its answers.

use std::sync::Arc;

use axum::{
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::{error::Error, files::PageFile, view::Dashboard};

/// Everything comes from the page's own origin, and no other page may embed this page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// `GET /dashboard`: the page's own paths are relative to `/dashboard/`.
pub(super) async fn to_the_page() -> Redirect {
    Redirect::permanent("/dashboard/")
}

/// `GET /dashboard/`
pub(super) async fn index(Extract(dashboard): Extract<Arc<Dashboard>>) -> Response {
    let absent =
        "the page of the dashboard is not part of this build; its API is under /dashboard/api/\n";
    answer(&dashboard, "index.html").unwrap_or_else(|| absent.into_response())
}

/// `GET /dashboard/{file}`
pub(super) async fn file(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    Path(name): Path<String>,
) -> Response {
    answer(&dashboard, &name).unwrap_or_else(|| Error::no_such_path().into_response())
}

fn answer(dashboard: &Dashboard, name: &str) -> Option<Response> {
    let PageFile { content_type, content } = (dashboard.page.0)(name)?;
    let content_type = HeaderValue::from_str(&content_type).ok()?;
    Some((StatusCode::OK, [(header::CONTENT_TYPE, content_type)], content).into_response())
}

/// Adds the headers that all answers of the page and the API have.
pub(super) async fn secured(mut response: Response) -> Response {
    let headers: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
