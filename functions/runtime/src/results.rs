//! What became of each item of a call.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use signalr_serverless::Error;

use crate::problem::Problem;

/// The results of items that are done one after the other, up to the first that fails.
///
/// As a response it is `{"results":[…]}`.
#[derive(Debug)]
pub struct Results {
    results: Vec<Value>,
    /// How many items there are.
    count: usize,
}

impl Results {
    /// No results yet, of so many items.
    #[must_use]
    pub fn of(count: usize) -> Self {
        Self { results: Vec::with_capacity(count), count }
    }

    /// Adds the result of the next item.
    ///
    /// # Errors
    ///
    /// Where the item failed: 502 with the results of all items. Those after it were not tried, so
    /// that the caller can go on from there without doing anything twice.
    pub fn add(&mut self, result: Result<Value, Error>) -> Result<(), Problem> {
        let error = match result {
            Ok(result) => {
                self.results.push(result);
                return Ok(());
            }
            Err(error) => error,
        };
        let failed = self.results.len();
        let problem = Problem::from(error);
        self.results
            .push(json!({ "status": problem.status().as_u16(), "detail": problem.detail() }));
        let not_tried = json!({
            "status": StatusCode::FAILED_DEPENDENCY.as_u16(),
            "detail": format!("not tried, since item {failed} failed"),
        });
        self.results.resize(self.count, not_tried);
        let detail = format!("item {failed} failed: {}", problem.detail());
        let results = std::mem::take(&mut self.results).into();
        Err(Problem::new(StatusCode::BAD_GATEWAY, detail).with_results(results))
    }
}

impl IntoResponse for Results {
    fn into_response(self) -> Response {
        Json(json!({ "results": self.results })).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_what_was_done_what_failed_and_what_was_not_tried() {
        let mut results = Results::of(3);
        results.add(Ok(json!({ "status": 202 }))).unwrap();
        let problem = results.add(Err(Error::TokenTooLong { size: 1 })).unwrap_err();
        let problem = serde_json::to_value(problem).unwrap();
        assert_eq!(problem["status"], 502);
        assert_eq!(problem["results"][0], json!({ "status": 202 }));
        assert_eq!(problem["results"][1]["status"], 400);
        assert_eq!(
            problem["results"][2],
            json!({ "status": 424, "detail": "not tried, since item 1 failed" })
        );
    }
}
