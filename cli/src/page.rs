//! The chat page, which `web/` builds.
//!
//! A release build contains the pages, so that the binary works wherever it is copied. A debug build
//! reads `web/dist` at each request, so that a changed page needs no new build. The command can be
//! built without npm: without `web/dist` it says how to get the page.

use std::borrow::Cow;

use axum::{
    Json, Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;
use serde_json::json;

/// The text in place of a page that was not built.
pub(crate) const HOW_TO_GET_THE_PAGE: &str = "not part of this build; `make run` builds it, and so does `npm ci && npm run build` in web/ \
     before `cargo build`";

/// Scripts and styles come from the page's own origin; messages come from the service that the
/// negotiate function names.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; connect-src 'self' http: https: ws: wss:; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Pages;

/// Whether this build has the chat page.
pub(crate) fn is_built() -> bool {
    Pages::get("index.html").is_some() && Pages::get("signalr.min.js").is_some()
}

/// Serves the page at `/` and its files. `app` gets every other request. The page learns whether
/// its clients have an upstream to call.
pub(crate) fn in_front_of(app: Router, has_upstream: bool) -> Router {
    let page = json!({ "hasUpstream": has_upstream });
    Router::new()
        .route("/", get(index))
        .route("/page.json", get(async move || Json(page)))
        .route("/{file}", get(file))
        .fallback_service(app)
}

async fn index() -> Response {
    if is_built() {
        answer("index.html")
    } else {
        format!("the chat page is {HOW_TO_GET_THE_PAGE}\n").into_response()
    }
}

async fn file(Path(name): Path<String>) -> Response {
    answer(&name)
}

/// A file of a page.
pub(crate) struct File {
    pub(crate) content_type: String,
    pub(crate) content: Cow<'static, [u8]>,
}

/// The file of this name below `web/dist`.
pub(crate) fn file_of(name: &str) -> Option<File> {
    let file = Pages::get(name)?;
    Some(File { content_type: file.metadata.mimetype().to_owned(), content: file.data })
}

fn answer(name: &str) -> Response {
    let Some(File { content_type, content }) = file_of(name) else {
        return (StatusCode::NOT_FOUND, "no such page\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, &*content_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get_path(path: &str) -> (StatusCode, String) {
        let app = Router::new().route("/api/chat/negotiate", get(|| async { "the functions" }));
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = in_front_of(app, true).oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn the_front_page_is_the_chat_or_says_how_to_get_it() {
        let (status, body) = get_path("/").await;
        assert_eq!(status, StatusCode::OK);
        let expected = if is_built() { "<title>Chat</title>" } else { "npm run build" };
        assert!(body.contains(expected), "{body}");
    }

    #[tokio::test]
    async fn the_page_learns_whether_there_is_an_upstream() {
        assert_eq!(get_path("/page.json").await.1, r#"{"hasUpstream":true}"#);
    }

    #[tokio::test]
    async fn other_paths_reach_the_functions() {
        assert_eq!(get_path("/api/chat/negotiate").await.1, "the functions");
    }

    #[tokio::test]
    async fn only_files_of_the_page_are_served() {
        for path in
            ["/missing.js", "/..%2Fpackage.json", "/..%2F..%2FCargo.toml", "/%2Fetc%2Fpasswd"]
        {
            assert_eq!(get_path(path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
