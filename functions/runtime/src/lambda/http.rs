//! HTTP events: where a request's own path ends and what its gateway put in front begins.

use axum::http::{Extensions, HeaderMap, header};
use lambda_http::{
    RequestExt,
    request::{LambdaRequest, RequestContext},
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The longest path and query together, in bytes. Gateways take less; `http::Uri` little more.
const MAX_TARGET: usize = 32 * 1024;

/// What cannot stand in the query of a URI.
const NOT_IN_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');

/// The path as the caller sent it, without the stage, where the request came through Lambda; `path`
/// itself elsewhere.
///
/// `lambda_http` puts the stage in front of the URI's path, but leaves it out where the path begins
/// with the same word, and resolves `..`. The raw path has no such doubt: a REST API's never has the
/// stage, and an HTTP API's always has, but for the stage `$default`.
pub(crate) fn path_without_stage<'a>(path: &'a str, extensions: &'a Extensions) -> &'a str {
    let raw = extensions.raw_http_path();
    match extensions.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            let stage = context.stage.as_deref().unwrap_or("$default");
            let rest = raw.strip_prefix('/').and_then(|raw| raw.strip_prefix(stage));
            match rest {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
                _ => raw,
            }
        }
        Some(_) => raw,
        None => path,
    }
}

/// Takes out of a request what `lambda_http` would end the process over, and what it would lose.
///
/// It builds a URL of the caller's host, path and query, and takes for granted that this works. And
/// where a header is there both with one value and with several, it keeps the one.
///
/// # Errors
///
/// For a path and query that no `http::Uri` can hold.
pub(super) fn make_convertible(request: &mut LambdaRequest) -> Result<(), &'static str> {
    let (path, query_length) = match request {
        LambdaRequest::ApiGatewayV1(request) => {
            request.request_context.domain_name = None;
            keep_all_values(&mut request.headers, &mut request.multi_value_headers);
            (&mut request.path, 0)
        }
        LambdaRequest::ApiGatewayV2(request) => {
            request.request_context.domain_name = None;
            request.headers.remove(header::HOST);
            let query = request.raw_query_string.get_or_insert_default();
            *query = utf8_percent_encode(query, NOT_IN_QUERY).to_string();
            (&mut request.raw_path, query.len())
        }
        LambdaRequest::Alb(request) => {
            keep_all_values(&mut request.headers, &mut request.multi_value_headers);
            (&mut request.path, 0)
        }
        _ => return Ok(()),
    };
    let path = path.get_or_insert_default();
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    match path.len() + query_length {
        0..=MAX_TARGET => Ok(()),
        _ => Err("the path and query are longer than 32768 bytes"),
    }
}

/// Leaves each header in one of the two maps. The host is needed by nobody.
fn keep_all_values(single: &mut HeaderMap, several: &mut HeaderMap) {
    single.remove(header::HOST);
    several.remove(header::HOST);
    for name in several.keys() {
        single.remove(name);
    }
}
