//! HTTP events. Separates a request's own path from the gateway's prefix, and removes input that
//! would break the library for events.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::{aws_lambda_events::query_map::QueryMap, request::LambdaRequest};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::call::path::OwnPath;

/// The longest query, in bytes. Gateways accept less; `http::Uri` accepts little more.
const MAX_QUERY: usize = 60_000;

/// The characters that are not allowed in the query of a URI.
const NOT_IN_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');

/// Removes from a request what would make `lambda_http` end the process, and changes what it would
/// lose. Returns the request's own path, which the request then does not have.
///
/// The library builds a URL from the caller's host, path and query, and assumes that this works. It
/// also assumes that the base64 of a body is valid. It resolves `..` in paths, and adds a stage in
/// front unless the path begins with the same word. If a header is there with one value and with
/// several, it keeps the one.
///
/// # Errors
///
/// If the query does not fit into `http::Uri`, if the body does not have its declared encoding, or
/// if the gateway is of another kind.
pub(super) fn make_convertible(request: &mut LambdaRequest) -> Result<OwnPath, &'static str> {
    let (own_path, query_length, body) = match request {
        LambdaRequest::ApiGatewayV1(request) => {
            request.request_context.domain_name = None;
            keep_all_values(&mut request.headers, &mut request.multi_value_headers);
            let context = &request.request_context;
            let raw = request.path.take().unwrap_or_default();
            let has_stage = context.path.as_deref() == Some(&raw);
            let stage = context.stage.as_deref().filter(|_| has_stage);
            let segments = request.resource.as_deref();
            let segments = segments.and_then(|route| segments_of(route, &request.path_parameters));
            let own = own_path(&raw, segments, stage).to_owned();
            let query = &request.query_string_parameters;
            let length = longer(query, &request.multi_value_query_string_parameters);
            (own, length, request.body.as_deref().filter(|_| request.is_base64_encoded))
        }
        LambdaRequest::ApiGatewayV2(request) => {
            request.request_context.domain_name = None;
            request.headers.remove(header::HOST);
            let query = request.raw_query_string.get_or_insert_default();
            *query = utf8_percent_encode(query, NOT_IN_QUERY).to_string();
            let context = &request.request_context;
            let raw = request.raw_path.take().unwrap_or_default();
            let route = context.route_key.as_deref().and_then(|key| key.split_once(' '));
            let segments =
                route.and_then(|(_, route)| segments_of(route, &request.path_parameters));
            let own = own_path(&raw, segments, context.stage.as_deref());
            let body = request.body.as_deref().filter(|_| request.is_base64_encoded);
            (own.to_owned(), query.len(), body)
        }
        LambdaRequest::Alb(request) => {
            keep_all_values(&mut request.headers, &mut request.multi_value_headers);
            let own = request.path.take().unwrap_or_default();
            let query = &request.query_string_parameters;
            let length = longer(query, &request.multi_value_query_string_parameters);
            (own, length, request.body.as_deref().filter(|_| request.is_base64_encoded))
        }
        _ => return Err("the event is of no gateway that is known here"),
    };
    if query_length > MAX_QUERY {
        return Err("the query is longer than 60000 bytes");
    }
    if body.is_some_and(|body| STANDARD.decode(body).is_err()) {
        return Err("the body is not base64, as the event says that it is");
    }
    Ok(OwnPath(own_path))
}

/// The API's own path, which is the end of the whole path: as many segments as the route has.
/// Stages and the base paths of custom domains come before it. Without a route only the stage is
/// known.
fn own_path<'a>(raw: &'a str, segments: Option<usize>, stage: Option<&str>) -> &'a str {
    if let Some(segments) = segments {
        let start = raw.rmatch_indices('/').nth(segments - 1);
        return start.map_or(raw, |(start, _)| &raw[start..]);
    }
    let rest = raw.strip_prefix('/').and_then(|raw| raw.strip_prefix(stage?));
    rest.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(raw)
}

/// How many segments the path of this route has. The last segment of the route may stand for
/// several, such as `{proxy+}`. `None` if the route is not a path, such as `$default`.
fn segments_of(route: &str, parameters: &HashMap<String, String>) -> Option<usize> {
    let (_, last) = route.rsplit_once('/')?;
    let several = match last.strip_prefix('{').and_then(|last| last.strip_suffix("+}")) {
        Some(name) => parameters.get(name)?.matches('/').count(),
        None => 0,
    };
    Some(route.matches('/').count() + several)
}

/// The most bytes that a query could have in a URI.
fn longer(single: &QueryMap, several: &QueryMap) -> usize {
    single.to_query_string().len().max(several.to_query_string().len())
}

/// Keeps each header in only one of the two maps. Nothing needs the host.
fn keep_all_values(single: &mut HeaderMap, several: &mut HeaderMap) {
    single.remove(header::HOST);
    several.remove(header::HOST);
    for name in several.keys() {
        single.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_puts_in_front_is_not_the_apis_own() {
        let proxied = HashMap::from([("proxy".to_owned(), "chat/broadcast".to_owned())]);
        for (raw, route, stage, own) in [
            ("/broadcast", "$default", Some("$default"), "/broadcast"),
            ("/prod/broadcast", "$default", Some("prod"), "/broadcast"),
            ("/prod", "$default", Some("prod"), ""),
            ("/production/x", "$default", Some("prod"), "/production/x"),
            ("/prod/prod/broadcast", "$default", Some("prod"), "/prod/broadcast"),
            ("/v1/broadcast", "/broadcast", Some("prod"), "/broadcast"),
            ("/v1/chat/broadcast", "/{hub}/broadcast", None, "/chat/broadcast"),
            ("/news/broadcast", "/{hub}/broadcast", Some("news"), "/news/broadcast"),
            ("/v1/chat/broadcast", "/{proxy+}", Some("prod"), "/chat/broadcast"),
            ("/v1/api/chat/broadcast", "/api/{proxy+}", None, "/api/chat/broadcast"),
            ("/prod/chat/broadcast", "/{unknown+}", Some("prod"), "/chat/broadcast"),
            ("/broadcast", "/a/b/c", None, "/broadcast"),
            ("", "/", None, ""),
            ("x", "/x", None, "x"),
            ("/", "/", Some(""), "/"),
            ("//broadcast", "/{hub}/broadcast", None, "//broadcast"),
        ] {
            let came = own_path(raw, segments_of(route, &proxied), stage);
            assert_eq!(came, own, "{raw} {route:?} {stage:?}");
        }
    }
}
