//! The result of each item of a call.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use signalr_serverless::Error;

use crate::call::{deadline::Deadline, items::Items, problem::Problem};

/// The results of items that were done one after the other.
///
/// As a response it is `{"results":[…]}`.
#[derive(Debug)]
pub struct Results(Vec<Value>);

impl Results {
    /// Does one item after the other, up to the first that fails. `parsed` are the parsed items.
    ///
    /// # Errors
    ///
    /// 400 for a single item that could never be sent ([`Items::refuse_unsendable`]). If an item failed, or the deadline passed: 502 with the results of all items. The items
    /// after it were not tried. The caller can continue with them and repeats nothing.
    pub async fn one_by_one<T, P: Future<Output = Result<Value, Error>>>(
        items: &Items,
        parsed: Vec<T>,
        deadline: Deadline,
        perform: impl Fn(T) -> P,
    ) -> Result<Self, Problem> {
        let count = parsed.len();
        let mut results = Vec::with_capacity(count);
        for item in parsed {
            let problem = match deadline.has_passed() {
                true => not_tried("not tried, since the time of the call was up"),
                false => match deadline.limit(perform(item)).await {
                    Some(Ok(result)) => {
                        results.push(result);
                        continue;
                    }
                    Some(Err(error)) => match items.unsendable_single(&error) {
                        Some(refusal) => return Err(refusal),
                        None => Problem::from(error),
                    },
                    None => Problem::time_is_up(),
                },
            };
            return Err(failed(results, &problem, count));
        }
        Ok(Self(results))
    }
}

/// The results of all items. `results` has the items before the one that failed.
fn failed(mut results: Vec<Value>, problem: &Problem, count: usize) -> Problem {
    let failed = results.len();
    let result = |problem: &Problem| json!({ "status": problem.status().as_u16(), "detail": problem.detail() });
    results.push(result(problem));
    let rest = not_tried(&format!("not tried, since item {failed} failed"));
    results.resize(count, result(&rest));
    let of_item = |text: &str| format!("item {failed} failed: {text}");
    Problem::new(StatusCode::BAD_GATEWAY, of_item(problem.detail()))
        .with_results(results.into())
        .because(of_item(problem.told_to_operator()))
}

fn not_tried(detail: &str) -> Problem {
    Problem::new(StatusCode::FAILED_DEPENDENCY, detail)
}

impl IntoResponse for Results {
    fn into_response(self) -> Response {
        Json(json!({ "results": self.0 })).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    /// The statuses of the results. Each item is the time that it takes, in seconds. An item of 0
    /// fails.
    async fn statuses(items: &[u64], deadline: Deadline) -> Vec<u64> {
        let problem = match try_each(items, deadline).await {
            Ok(results) => return statuses_of(&results.0),
            Err(problem) => serde_json::to_value(problem).unwrap(),
        };
        assert_eq!(problem["status"], 502);
        statuses_of(problem["results"].as_array().unwrap())
    }

    fn statuses_of(results: &[Value]) -> Vec<u64> {
        results.iter().map(|result| result["status"].as_u64().unwrap()).collect()
    }

    async fn try_each(seconds: &[u64], deadline: Deadline) -> Result<Results, Problem> {
        let items = Items::split(&serde_json::to_vec(seconds).unwrap()).unwrap();
        let perform = |seconds| async move {
            match seconds {
                0 => Err(Error::TokenTooLong { size: 1 }),
                u64::MAX => pending().await,
                seconds => {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    Ok(json!({ "status": 202 }))
                }
            }
        };
        Results::one_by_one(&items, seconds.to_vec(), deadline, perform).await
    }

    #[tokio::test]
    async fn a_single_item_that_cannot_be_sent_is_the_callers_mistake() {
        let problem = try_each(&[0], Deadline::default()).await.unwrap_err();
        assert_eq!(problem.status(), 400);
        assert!(problem.detail().starts_with("item 0: "), "{}", problem.detail());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_tells_what_was_done_what_failed_and_what_was_not_tried() {
        let no_hurry = Deadline::default();
        assert_eq!(statuses(&[1, 1], no_hurry).await, [202, 202]);
        assert_eq!(statuses(&[1, 0, 1], no_hurry).await, [202, 400, 424]);
    }

    #[tokio::test(start_paused = true)]
    async fn all_is_answered_before_the_platform_ends_the_call() {
        let start = tokio::time::Instant::now();
        let deadline = Deadline::within(Duration::from_secs(29));
        assert_eq!(statuses(&[12, 12, 12, 12], deadline).await, [202, 202, 504, 424]);
        assert_eq!(statuses(&[1, 1], deadline).await, [424, 424]);
        assert!(start.elapsed() < Duration::from_secs(29), "{:?}", start.elapsed());
        let deadline = Deadline::within(Duration::from_secs(29));
        assert_eq!(statuses(&[u64::MAX, 1], deadline).await, [504, 424]);
    }
}
