//! One call: makes a request from an operation and its parameters, and a result from the reply.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    reply::Reply,
    request::{Parameters, Request},
    retry::{self, Repeat},
    settings::Settings,
};
use crate::{
    error::Error,
    name::{ConnectionId, HubName},
    operation::Operation,
};

/// A call that is being prepared.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    settings: &'a Settings,
    operation: Operation,
    repeat: Repeat,
    hub: Option<&'a HubName>,
    parameters: Parameters<'a>,
    query: Parameters<'a>,
    body: Option<Bytes>,
}

impl<'a> Call<'a> {
    pub(super) fn new(settings: &'a Settings, operation: Operation) -> Self {
        Self {
            settings,
            operation,
            repeat: Repeat::of(operation),
            hub: None,
            parameters: Vec::new(),
            query: Vec::new(),
            body: None,
        }
    }

    pub(super) fn hub(mut self, hub: &'a HubName) -> Self {
        self.hub = Some(hub);
        self
    }

    /// Fills a parameter of the path.
    pub(super) fn parameter(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn excluding(mut self, connections: &'a [ConnectionId]) -> Self {
        self.query.extend(connections.iter().map(|id| ("excluded", id.as_str().into())));
        self
    }

    pub(super) fn reason(mut self, reason: Option<&'a str>) -> Self {
        self.query.extend(reason.map(|reason| ("reason", reason.into())));
        self
    }

    /// Gives the call a body of JSON.
    pub(super) fn body(mut self, body: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        self.body = Some(serde_json::to_vec(body).map_err(Error::Unserializable)?.into());
        Ok(self)
    }

    /// Marks the call as one that may be repeated without harm.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Always;
        self
    }

    /// Makes the call. Any 2xx is success: for some operations the service answers another 2xx than
    /// its description says.
    pub(super) async fn run(self) -> Result<(), Error> {
        self.send().await?.into_success().map(drop)
    }

    /// Makes the call; a 404 with this `x-ms-error-code` is a valid answer and means `false`.
    pub(super) async fn run_unless(self, error_code: &str) -> Result<bool, Error> {
        let reply = self.send().await?;
        if reply.is_not_found(error_code) {
            return Ok(false);
        }
        reply.into_success().map(|_| true)
    }

    /// Makes the call and reads the reply's body.
    pub(super) async fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.send().await?.into_success()?.json()
    }

    async fn send(self) -> Result<Reply, Error> {
        let Self { settings, operation, repeat, hub, parameters, query, body } = self;
        let request = Request::new(operation, settings, hub, parameters, query, body)?;
        retry::run(
            settings.retries.as_ref(),
            settings.time_limit,
            |limit| request.send(limit),
            |outcome| repeat.verdict(outcome),
        )
        .await
    }
}
