//! Events of Azure Event Grid, which bring messages to broadcast, in CloudEvents or in Event Grid's own
//! schema, one or several. Event Grid first asks by a handshake whether the function wants events.
//!
//! Sources: <https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema>,
//! <https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema>,
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md>

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use crate::call::{
    function::{BODY_LIMIT, Function},
    problem::Problem,
};

/// The kind of the request, in Event Grid's own schema.
const KIND: HeaderName = HeaderName::from_static("aeg-event-type");
/// The sender that asks whether a webhook wants CloudEvents.
const ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const RATE: HeaderName = HeaderName::from_static("webhook-request-rate");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// An event of either schema, with the fields that distinguish it from a message.
#[derive(Deserialize)]
struct Event<'a> {
    /// Present in CloudEvents.
    #[serde(borrow)]
    specversion: Option<&'a RawValue>,
    /// Present in Event Grid's own schema.
    #[serde(borrow, rename = "eventType")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The question before the first event.
#[derive(Deserialize)]
struct Validation {
    data: ValidationData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValidationData {
    validation_code: String,
}

/// Whether the request asks a webhook if it wants CloudEvents.
pub(crate) fn is_handshake(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(&ORIGIN)
}

/// Answers that events are wanted, at any rate.
pub(crate) fn accept_handshake(headers: &HeaderMap) -> Response {
    let of = |name: &HeaderName| headers.get(name).cloned();
    let origin = of(&ORIGIN).unwrap_or_else(|| HeaderValue::from_static("*"));
    let rate = of(&RATE).unwrap_or_else(|| HeaderValue::from_static("*"));
    [(ALLOWED_ORIGIN, origin), (ALLOWED_RATE, rate)].into_response()
}

/// Whether a call brings events, and not plain messages.
pub(crate) fn is_delivery(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type =
        media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    headers.contains_key(&KIND)
        || ["application/cloudevents+json", "application/cloudevents-batch+json"]
            .iter()
            .any(|cloud_events| media_type.eq_ignore_ascii_case(cloud_events))
}

/// Gives the messages in the events to the function, or answers Event Grid's question.
pub(crate) async fn deliver(function: &Function, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| {
        let detail =
            format!("the events are longer than {BODY_LIMIT} bytes; send fewer in a batch");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    let text = std::str::from_utf8(&body)
        .map_err(|_| Problem::bad_request("the events are not UTF-8"))?
        .trim();
    match parts.headers.get(&KIND).map(HeaderValue::as_bytes) {
        Some(b"SubscriptionValidation") => return validate(text),
        Some(b"SubscriptionDeletion") => return Ok(StatusCode::OK.into_response()),
        _ => {}
    }
    let messages = messages(text).ok_or_else(|| {
        Problem::bad_request(
            "the body has no events; an event has eventType or specversion, and a message or an array of messages as data",
        )
    })?;
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(header::CONTENT_TYPE, json);
    function.call(Request::from_parts(parts, Body::from(messages))).await
}

fn validate(text: &str) -> Result<Response, Problem> {
    let validations: Vec<Validation> = serde_json::from_str(text).map_err(|error| {
        Problem::bad_request(format!("the subscription's validation has no code: {error}"))
    })?;
    match validations.as_slice() {
        [Validation { data }] => {
            Ok(Json(json!({ "validationResponse": data.validation_code })).into_response())
        }
        _ => Err(Problem::bad_request("a subscription is validated by one event")),
    }
}

/// The unchanged messages in events. The messages of one event stay as they are; the messages of
/// several events become one array. `None` if the text is not an event.
pub(crate) fn messages(text: &str) -> Option<String> {
    if text.starts_with('{') {
        return data(text);
    }
    let events: Vec<&RawValue> =
        text.starts_with('[').then(|| serde_json::from_str(text).ok())??;
    let data = events.iter().map(|event| data(event.get()));
    let data: Vec<String> = data.collect::<Option<_>>()?;
    let items = data.iter().map(|data| {
        data.strip_prefix('[').and_then(|data| data.strip_suffix(']')).unwrap_or(data).trim()
    });
    let items: Vec<_> = items.filter(|items| !items.is_empty()).collect();
    (!items.is_empty()).then(|| format!("[{}]", items.join(",")))
}

/// The data of an event, which may be JSON text in a string.
fn data(event: &str) -> Option<String> {
    let event: Event<'_> = event.starts_with('{').then(|| serde_json::from_str(event).ok())??;
    if event.specversion.is_none() && event.event_type.is_none() {
        return None;
    }
    let data = event.data?.get();
    Some(serde_json::from_str::<String>(data).unwrap_or_else(|_| data.to_owned()).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"target":"t","arguments":[12345678901234567890, 1.0]}"#;

    fn event_grid(data: &str) -> String {
        format!(
            r#"{{"id":"1","topic":"/x","subject":"s","eventType":"Shop.Order","eventTime":"2026-01-01T00:00:00Z","data":{data},"dataVersion":"1","metadataVersion":"1"}}"#
        )
    }

    fn cloud_event(data: &str) -> String {
        format!(
            r#"{{"specversion":"1.0","type":"Shop.Order","source":"/x","id":"1","datacontenttype":"application/json","data":{data}}}"#
        )
    }

    #[test]
    fn messages_come_out_of_events_to_the_letter() {
        let text = serde_json::Value::from(MESSAGE).to_string();
        for event in [event_grid, cloud_event] {
            assert_eq!(messages(&event(MESSAGE)).as_deref(), Some(MESSAGE));
            assert_eq!(messages(&event(&text)).as_deref(), Some(MESSAGE));
            let list = format!("[{MESSAGE}, {MESSAGE}]");
            assert_eq!(messages(&event(&list)), Some(list.clone()));
            let batch = format!("[{},{}]", event(MESSAGE), event(&list));
            assert_eq!(messages(&batch), Some(format!("[{MESSAGE},{MESSAGE}, {MESSAGE}]")));
        }
    }

    #[test]
    fn what_is_no_event_is_told_from_one() {
        let mixed = format!("[{},{MESSAGE}]", event_grid(MESSAGE));
        let without_data = event_grid("1").replace(r#""data":1,"#, "");
        let odd = [MESSAGE, "", "[]", "{}", "[1]", "null", "x", &mixed, &without_data];
        for text in odd {
            assert_eq!(messages(text), None, "{text}");
        }
    }
}
