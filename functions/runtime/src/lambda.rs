//! AWS Lambda: where a request's own path ends and what its gateway put in front begins.

use axum::{Router, http::Extensions};
use lambda_http::{RequestExt, request::RequestContext};

/// The path without the stage, where the request came through Lambda; `path` itself elsewhere.
///
/// `lambda_http` puts the stage in front of the URI's path, but leaves it out where the path begins
/// with the same word. The raw path has no such doubt: a REST API's never has the stage, and an HTTP
/// API's always has, but for the stage `$default`.
pub(crate) fn path_without_stage<'a>(path: &'a str, extensions: &'a Extensions) -> &'a str {
    let raw = extensions.raw_http_path();
    match extensions.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(_)) => raw,
        Some(RequestContext::ApiGatewayV2(context)) => {
            let stage = context.stage.as_deref().unwrap_or("$default");
            let rest = raw.strip_prefix('/').and_then(|raw| raw.strip_prefix(stage));
            match rest {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
                _ => raw,
            }
        }
        _ => path,
    }
}

/// Serves events until the process is told to end.
pub(crate) async fn run(router: Router) -> Result<(), lambda_http::Error> {
    lambda_http::run(router).await
}
