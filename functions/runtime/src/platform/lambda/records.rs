//! Events of SQS and SNS: records, each with a payload.

use axum::Router;
use serde::{Deserialize, Serialize};

use super::warm_up;
use crate::call::{deadline::Deadline, trigger};

/// The records of one event. All have the same source.
#[derive(Debug, Deserialize)]
pub(super) struct Records(Vec<Record>);

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Record {
    Sqs(SqsRecord),
    Sns(SnsRecord),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SqsRecord {
    message_id: String,
    body: String,
    #[serde(rename = "eventSourceARN")]
    queue: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsRecord {
    sns: Notification,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    message: String,
}

/// The answer to Lambda: the messages that a queue must keep.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failures {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Records {
    /// # Errors
    ///
    /// If the records have another source.
    pub(super) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json)
            .map_err(|_| "the event's records are neither of SQS nor of SNS".to_owned())
    }

    /// Delivers the records in order.
    ///
    /// The answer has the messages of a queue that failed. If the queue keeps an order, it also has
    /// all that follow.
    ///
    /// # Errors
    ///
    /// If a notification fails. Lambda then tries the event again.
    pub(super) async fn deliver(
        &self,
        router: &Router,
        deadline: Deadline,
    ) -> Result<Failures, String> {
        let mut failures = Failures::default();
        for record in &self.0 {
            match record {
                Record::Sns(SnsRecord { sns }) if warm_up::is_one(&sns.message) => {}
                Record::Sns(SnsRecord { sns }) => {
                    trigger::deliver(router, &sns.message, deadline).await?;
                }
                Record::Sqs(record) => {
                    let waits = record.keeps_order() && !failures.batch_item_failures.is_empty();
                    if waits || !record.is_delivered(router, deadline).await {
                        let item_identifier = record.message_id.clone();
                        failures.batch_item_failures.push(Failure { item_identifier });
                    }
                }
            }
        }
        Ok(failures)
    }
}

impl SqsRecord {
    fn keeps_order(&self) -> bool {
        self.queue.ends_with(".fifo")
    }

    async fn is_delivered(&self, router: &Router, deadline: Deadline) -> bool {
        // S3 sends a test message to a queue for its events, and a queue repeats a failed message.
        if warm_up::is_one(&self.body) {
            return true;
        }
        let delivered = trigger::deliver(router, &self.body, deadline).await;
        if let Err(reason) = &delivered {
            crate::call::log::failed(&self.message_id, reason);
        }
        delivered.is_ok()
    }
}
