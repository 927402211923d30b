//! AWS Lambda: events of every kind, told apart by their shape.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | from an event to its answer |
//! | `http` | events that are HTTP requests |
//! | `records` | events of queues and topics |

mod http;
mod records;

use axum::Router;
use lambda_http::{
    Adapter, Error, LambdaEvent, Service,
    lambda_runtime::{self, Diagnostic},
    request::LambdaRequest,
    service_fn,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

pub(crate) use self::http::path_without_stage;
use self::records::Records;
use crate::trigger;

/// Serves events until the process is told to end.
pub(crate) async fn run(router: Router) -> Result<(), Error> {
    let handle = move |event: LambdaEvent<Box<RawValue>>| {
        let answer = answer(router.clone(), event);
        async { answer.await.map_err(Failed) }
    };
    lambda_runtime::run(service_fn(handle)).await
}

/// An event that failed. Lambda logs it, and tries the event again where that is its way.
#[derive(Debug)]
struct Failed(Error);

impl From<Failed> for Diagnostic {
    fn from(Failed(error): Failed) -> Self {
        Self { error_type: "EventFailed".to_owned(), error_message: error.to_string() }
    }
}

/// What tells one kind of event from another.
#[derive(Default, Deserialize)]
struct Shape<'a> {
    /// Every HTTP event has one, and its sender cannot take it out.
    #[serde(borrow, rename = "requestContext")]
    request_context: Option<&'a RawValue>,
    #[serde(borrow, rename = "Records")]
    records: Option<&'a RawValue>,
}

impl<'a> Shape<'a> {
    /// What is no object, such as an array of messages, has no such shape.
    fn of(event: &'a str) -> Self {
        match event.starts_with('{') {
            true => serde_json::from_str(event).unwrap_or_default(),
            false => Self::default(),
        }
    }
}

async fn answer(
    router: Router,
    LambdaEvent { payload, context }: LambdaEvent<Box<RawValue>>,
) -> Result<Box<RawValue>, Error> {
    match Shape::of(payload.get()) {
        Shape { request_context: Some(_), .. } => {
            let mut request: LambdaRequest = serde_json::from_str(payload.get())?;
            http::make_convertible(&mut request)?;
            let answer = Adapter::from(router).call(LambdaEvent::new(request, context)).await?;
            Ok(to_raw_value(&answer)?)
        }
        Shape { records: Some(records), .. } => {
            let records = Records::parse(records.get())?;
            Ok(to_raw_value(&records.deliver(&router).await?)?)
        }
        // A bus, a schedule's own input, or whoever may invoke the function.
        Shape { .. } => {
            trigger::deliver(&router, payload.get()).await?;
            Ok(RawValue::NULL.to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
