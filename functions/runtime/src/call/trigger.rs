//! Calls that are not HTTP requests: a timer, a queue, a topic, a bus. Their payload is the body of
//! a POST, wrapped by each carrier on the way.

use std::borrow::Cow;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tower::ServiceExt;

use crate::call::{deadline::Deadline, event_grid, function::BODY_LIMIT, problem::Failure};

/// Marks a request from a platform's trigger. It is a request extension, so no caller can send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The body is the trigger's payload.
    Payload,
    /// A timer, which has no payload.
    Timer,
}

/// How many carriers may be around a payload. A bus that feeds a topic that feeds a queue has three,
/// and each can encode its content as a string.
const MAX_CARRIERS: usize = 8;

/// Gives a trigger's payload to the function that accepts it.
///
/// # Errors
///
/// A text for the operator that says why the call failed.
pub(crate) async fn deliver(
    router: &Router,
    brought: &str,
    deadline: Deadline,
) -> Result<(), String> {
    let (trigger, payload) = unpack(brought)?;
    let mut request = Request::new(Body::from(payload.into_owned()));
    request.extensions_mut().insert(trigger);
    request.extensions_mut().insert(deadline);
    let answer = match router.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status();
    if let Some(Failure(reason)) = answer.extensions().get() {
        return Err(format!("{status}: {reason}"));
    }
    let body = to_bytes(answer.into_body(), BODY_LIMIT).await.unwrap_or_default();
    Err(format!("{status}: {}", String::from_utf8_lossy(&body)))
}

/// The fields of carriers that distinguish them from a message.
#[derive(Deserialize)]
struct Carrier<'a> {
    /// SNS, in a queue that is subscribed to it: `Notification`.
    #[serde(borrow, rename = "Type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, rename = "Message")]
    message: Option<&'a RawValue>,
    /// Present in EventBridge.
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    /// Present in a timer of Azure Functions.
    #[serde(borrow, rename = "IsPastDue", alias = "isPastDue")]
    is_past_due: Option<&'a RawValue>,
}

/// Takes the unchanged payload out of its carriers.
fn unpack(brought: &str) -> Result<(Trigger, Cow<'_, str>), String> {
    let mut payload = Cow::Borrowed(brought.trim());
    for _ in 0..MAX_CARRIERS {
        let inner = match &payload {
            text if text.starts_with('"') => serde_json::from_str(text).ok(),
            text if event_grid::messages(text).is_some() => event_grid::messages(text),
            // Serde would accept an array as a carrier's fields in their order.
            text if !text.starts_with('{') => None,
            text => match serde_json::from_str::<Carrier<'_>>(text) {
                Ok(Carrier { is_past_due: Some(_), .. }) => {
                    return Ok((Trigger::Timer, Cow::Borrowed("")));
                }
                Ok(Carrier { detail_type: Some(kind), detail, .. }) => {
                    let detail = detail.map(RawValue::get);
                    if kind.get() == r#""Scheduled Event""# && detail.is_none_or(says_nothing) {
                        return Ok((Trigger::Timer, Cow::Borrowed("")));
                    }
                    detail.map(str::to_owned)
                }
                Ok(Carrier { kind: Some(_), message: Some(message), .. }) => {
                    Some(message.get().to_owned())
                }
                _ => None,
            },
        };
        match inner {
            Some(inner) => payload = Cow::Owned(inner.trim().to_owned()),
            None => return Ok((Trigger::Payload, payload)),
        }
    }
    Err(format!("the payload is packed more than {MAX_CARRIERS} times; send the message itself"))
}

/// Whether a schedule's detail is the default without an input: a rule sends `{}`, and EventBridge
/// Scheduler sends the same as a string.
fn says_nothing(detail: &str) -> bool {
    match serde_json::from_str(detail) {
        Ok(Value::Null) => true,
        Ok(Value::Object(members)) => members.is_empty(),
        Ok(Value::String(text)) => text.trim().is_empty() || says_nothing(&text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MESSAGE: &str = r#"{"target":"t","arguments":[12345678901234567890, 1.0]}"#;

    fn text(value: impl Into<Value>) -> String {
        value.into().to_string()
    }

    fn event(detail: &str) -> String {
        format!(r#"{{"version":"0","detail-type":"Order","source":"shop","detail":{detail}}}"#)
    }

    fn notification(message: &str) -> String {
        text(json!({ "Type": "Notification", "TopicArn": "arn", "Message": message }))
    }

    fn cloud_event(data: &str) -> String {
        format!(r#"{{"specversion":"1.0","type":"Order","source":"shop","id":"1","data":{data}}}"#)
    }

    #[test]
    fn a_payload_comes_out_of_its_carriers_to_the_letter() {
        for packed in [
            MESSAGE.to_owned(),
            format!("\n {MESSAGE} "),
            text(MESSAGE),
            text(text(MESSAGE)),
            event(MESSAGE),
            event(&text(MESSAGE)),
            notification(MESSAGE),
            notification(&event(MESSAGE)),
            text(notification(&event(&text(MESSAGE)))),
            cloud_event(MESSAGE),
            text(cloud_event(MESSAGE)),
            cloud_event(MESSAGE).replace("specversion", "eventType"),
        ] {
            assert_eq!(unpack(&packed), Ok((Trigger::Payload, MESSAGE.into())), "{packed}");
        }
        let array = format!("[{MESSAGE},{MESSAGE}]");
        assert_eq!(unpack(&text(array.as_str())), Ok((Trigger::Payload, array.into())));
    }

    #[test]
    fn timers_bring_nothing() {
        let schedule =
            r#"{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}"#;
        let rule = event("{}").replace("Order", "Scheduled Event");
        let scheduler = rule.replace("{}", r#""{}""#);
        let spaced = rule.replace("{}", "{ }");
        for timer in [schedule.to_owned(), text(schedule), rule, scheduler, spaced] {
            assert_eq!(unpack(&timer), Ok((Trigger::Timer, "".into())), "{timer}");
        }
        // A rule's constant input instead of the detail is a message.
        let input = event(MESSAGE).replace("Order", "Scheduled Event");
        assert_eq!(unpack(&input), Ok((Trigger::Payload, MESSAGE.into())));
    }

    #[test]
    fn what_is_no_carrier_is_passed_on_as_it_is() {
        for odd in ["", "nonsense", "\"open", "[1]", "null", r#"{"Type":"Notification"}"#] {
            assert_eq!(unpack(odd), Ok((Trigger::Payload, odd.into())));
        }
        let deep = (0..=MAX_CARRIERS).fold(MESSAGE.to_owned(), |packed, _| event(&packed));
        assert!(unpack(&deep).unwrap_err().contains("more than 8 times"));
    }
}
