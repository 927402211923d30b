//! The key with which the service lets its callers sign client tokens.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use signalr_signing_keys::{KeyCache, NoKeys, Schedule};

use crate::{
    causes::with_causes,
    error::Error,
    operation::ApiVersion,
    rest::{RestClient, SigningKey},
};

const SCHEDULE: Schedule = Schedule {
    // Source: Azure's SDK.
    fresh: Duration::from_mins(55),
    // Source: Azure's SDK.
    usable: Duration::from_mins(110),
    pause: Duration::from_mins(5),
    pause_without_keys: Duration::ZERO,
    // No wait would be enough, except for functions that are frozen as soon as they have answered.
    patience: Duration::from_secs(1),
};

/// The service's key at each time. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct SigningKeys(KeyCache<SigningKey, Error>);

impl SigningKeys {
    pub(crate) fn new(client: &RestClient) -> Self {
        // Two API versions give out keys. Azure's SDK calls this one.
        let client = client.clone().with_version(ApiVersion::V1);
        let asked = move || {
            let client = client.clone();
            async move { client.access_key().await }
        };
        Self(KeyCache::new(SCHEDULE, asked))
    }

    /// A key to sign with now.
    pub(crate) async fn current(&self, now: SystemTime) -> Result<Arc<SigningKey>, Error> {
        self.0.current(now).await.map_err(|NoKeys { failure }| again(failure.as_deref()))
    }
}

/// A copy of the error for each caller that waited for the key.
fn again(failure: Option<&Error>) -> Error {
    match failure {
        Some(Error::Refused(refusal)) => Error::Refused(refusal.clone()),
        Some(Error::Unreachable { endpoint, source }) => {
            let source = with_causes(&**source).into();
            Error::Unreachable { endpoint: endpoint.clone(), source }
        }
        Some(Error::Interrupted { endpoint, source }) => {
            let source = with_causes(&**source).into();
            Error::Interrupted { endpoint: endpoint.clone(), source }
        }
        Some(Error::InvalidReply { endpoint, operation, problem }) => {
            let (endpoint, problem) = (endpoint.clone(), problem.clone());
            Error::InvalidReply { endpoint, operation: *operation, problem }
        }
        Some(Error::TimedOut { endpoint, limit }) => {
            Error::TimedOut { endpoint: endpoint.clone(), limit: *limit }
        }
        Some(Error::EntraToken { problem }) => Error::EntraToken { problem: problem.clone() },
        Some(other) => Error::EntraToken { problem: other.with_causes() },
        None => Error::EntraToken { problem: "the program is ending".to_owned() },
    }
}
