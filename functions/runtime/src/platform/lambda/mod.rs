//! AWS Lambda: events of every kind, which differ in their shape.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | from an event to its answer |
//! | `http` | events that are HTTP requests |
//! | `records` | events of queues and topics |
//! | `warm_up` | events that need no work |

mod http;
mod records;
mod warm_up;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::{Extension, Router};
use lambda_http::{
    Adapter, Context, Error, LambdaEvent, Service,
    lambda_runtime::{self, Diagnostic},
    request::LambdaRequest,
    service_fn,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use self::records::Records;
use crate::call::{deadline::Deadline, log, trigger};

/// Serves events until a signal ends the process.
pub(crate) async fn run(router: Router) -> Result<(), Error> {
    let handle = move |event: LambdaEvent<Box<RawValue>>| {
        let id = event.context.request_id.clone();
        let answer = answer(router.clone(), event);
        async move {
            // No caller waits for most of these events, and Lambda itself does not log the reason.
            answer.await.inspect_err(|error| log::failed(&id, &error.to_string())).map_err(Failed)
        }
    };
    lambda_runtime::run(service_fn(handle)).await
}

/// An event that failed. For some kinds of events Lambda tries again.
#[derive(Debug)]
struct Failed(Error);

impl From<Failed> for Diagnostic {
    fn from(Failed(error): Failed) -> Self {
        Self { error_type: "EventFailed".to_owned(), error_message: error.to_string() }
    }
}

/// The most bytes of headers in an event, as JSON.
const MAX_HEADERS: usize = 128 * 1024;

/// The fields that distinguish the kinds of events.
#[derive(Default, Deserialize)]
struct Shape<'a> {
    /// Every HTTP event has this field, and its sender cannot remove it.
    #[serde(borrow, rename = "requestContext")]
    request_context: Option<&'a RawValue>,
    #[serde(borrow, rename = "Records")]
    records: Option<&'a RawValue>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
    #[serde(borrow, rename = "multiValueHeaders")]
    several_headers: Option<&'a RawValue>,
}

impl<'a> Shape<'a> {
    /// Reads the shape. An event that is not an object, such as an array of messages, has an empty
    /// one.
    fn of(event: &'a str) -> Result<Self, serde_json::Error> {
        match event.starts_with('{') {
            true => serde_json::from_str(event),
            false => Ok(Self::default()),
        }
    }

    /// Whether there are too many headers; gateways accept fewer. The library joins both maps, and
    /// a map with too many headers would end the process.
    fn has_too_many_headers(&self) -> bool {
        let maps = [self.headers, self.several_headers];
        maps.iter().flatten().map(|map| map.get().len()).sum::<usize>() > MAX_HEADERS
    }
}

async fn answer(
    router: Router,
    LambdaEvent { payload, context }: LambdaEvent<Box<RawValue>>,
) -> Result<Box<RawValue>, Error> {
    let deadline = deadline(&context, SystemTime::now());
    let shape = Shape::of(payload.get())?;
    if shape.has_too_many_headers() {
        return Err(format!("the event has more than {MAX_HEADERS} bytes of headers").into());
    }
    match shape {
        Shape { request_context: Some(_), .. } => {
            let mut request: LambdaRequest = serde_json::from_str(payload.get())?;
            let own_path = http::make_convertible(&mut request)?;
            let router = router.layer(Extension(own_path)).layer(Extension(deadline));
            let answer = Adapter::from(router).call(LambdaEvent::new(request, context)).await?;
            Ok(to_raw_value(&answer)?)
        }
        Shape { records: Some(records), .. } => {
            let records = Records::parse(records.get())?;
            Ok(to_raw_value(&records.deliver(&router, deadline).await?)?)
        }
        Shape { .. } if warm_up::is_one(payload.get()) => Ok(RawValue::NULL.to_owned()),
        // This is a bus, the input of a schedule, or a caller that may invoke the function.
        Shape { .. } => {
            trigger::deliver(&router, payload.get(), deadline).await?;
            Ok(RawValue::NULL.to_owned())
        }
    }
}

/// The deadline of an event. Lambda sends the time of its end with each event, in milliseconds
/// since 1970. A time in the past means no deadline, because emulators of Lambda send all kinds of
/// numbers.
fn deadline(context: &Context, now: SystemTime) -> Deadline {
    let end = UNIX_EPOCH.checked_add(Duration::from_millis(context.deadline));
    let left = end.and_then(|end| end.duration_since(now).ok());
    left.map(Deadline::within).unwrap_or_default()
}

#[cfg(test)]
mod tests;
