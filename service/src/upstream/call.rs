//! One request to an upstream, and its outcome.

use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, USER_AGENT},
};
use signalr_serverless::upstream::header;
use signalr_traces::Step;
use tokio::time::{Instant, timeout};
use url::Url;

use super::{caller::CallerHeaders, event::Event, limits::Limits, places::Places};
use crate::{
    auth::KeyRing,
    identity::Identity,
    timings::Timings,
    trace::{Event as Traced, Kind, Trace},
};

/// The trace that a call is part of. Source: W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Makes the calls of all connections.
pub(super) struct Calls {
    pub(super) http: reqwest::Client,
    pub(super) keys: KeyRing,
    pub(super) limits: Limits,
    pub(super) places: Arc<Places>,
    pub(super) timings: Arc<Timings>,
    pub(super) trace: Trace,
}

/// The connection that an event comes from.
pub(super) struct Sender<'a> {
    pub(super) identity: &'a Identity,
    pub(super) headers: Option<&'a CallerHeaders>,
    pub(super) claims: Option<HeaderValue>,
}

/// Why a call has no usable answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the upstream answered with status {0}")]
    Status(StatusCode),
    #[error("the upstream cannot be reached, or broke off before it answered")]
    Unanswered(#[source] reqwest::Error),
    #[error("the upstream did not answer in {} seconds", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error("the answer of the upstream is too large")]
    TooLarge,
    #[error("the answers of upstreams are too large together")]
    NoRoom,
    #[error("the answer of the upstream broke off")]
    Cancelled(#[source] reqwest::Error),
}

impl Failure {
    /// The failure's name in metrics: a status, or a word.
    fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Status(status) => status.as_u16().to_string().into(),
            Self::Unanswered(_) => "unreachable".into(),
            Self::TooSlow(_) => "timeout".into(),
            Self::TooLarge | Self::NoRoom => "too_large".into(),
            Self::Cancelled(_) => "broken_off".into(),
        }
    }
}

impl Calls {
    /// Sends an event when it is its turn, and reads the answer if a client waits for it. A failure
    /// is logged.
    pub(super) async fn call(&self, from: Sender<'_>, event: &mut Event) -> Result<Bytes, Failure> {
        let identity = from.identity;
        let (limit, begin) = (self.limits.time, Instant::now());
        let step = Step::call("upstream");
        let answered = async {
            let _place = event.admitted.place().await;
            let response = self.send(&from, event, step.as_ref()).await?;
            self.read(response, event).await
        };
        let outcome = timeout(limit, answered).await.unwrap_or(Err(Failure::TooSlow(limit)));
        let what = outcome.as_ref().map_or_else(Failure::name, |_| "ok".into());
        if let Some(step) = &step {
            step.note_text("signalr.category", event.category.as_str());
            step.note_text("signalr.event", event.name.to_str().unwrap_or_default());
            step.note_text("signalr.outcome", &what);
            if outcome.is_err() {
                step.fail();
            }
        }
        self.timings.upstream_called(event.template, &what, begin.elapsed());
        self.trace.note(|| Traced {
            what: event.name.to_str().ok(),
            bytes: Some(event.body.len()),
            outcome: Some(&what),
            milliseconds: Some(begin.elapsed().as_secs_f64() * 1000.0),
            ..Traced::of(Kind::Upstream, identity)
        });
        if let Err(failure) = &outcome {
            let cause = std::error::Error::source(failure).map(signalr_http_client::cause);
            tracing::warn!(
                hub = identity.hub.as_str(),
                connection = identity.id.as_str(),
                category = event.category.as_str(),
                event = ?event.name,
                url = shown(&event.url),
                cause,
                "{failure}"
            );
        }
        outcome
    }

    async fn send(
        &self,
        from: &Sender<'_>,
        event: &Event,
        step: Option<&Step>,
    ) -> Result<reqwest::Response, Failure> {
        let identity = from.identity;
        let request = self
            .http
            .post(event.url.clone())
            .header(USER_AGENT, concat!("signalr-service/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, &event.content_type)
            .header(header::CONNECTION_ID, identity.id.as_str())
            .header(header::HUB, identity.hub.as_str())
            .header(header::CATEGORY, event.category.as_str())
            .header(header::EVENT, &event.name)
            .header(header::SIGNATURE, self.keys.current().upstream.sign(&identity.id))
            .body(event.body.clone());
        let caller = from.headers.into_iter().flat_map(|headers| {
            let (CallerHeaders { user, query }, claims) = (headers, &from.claims);
            [(header::USER_ID, user), (header::USER_CLAIMS, claims), (header::CLIENT_QUERY, query)]
        });
        let traceparent = step.and_then(Step::traceparent);
        let further = caller.chain([(TRACEPARENT, &traceparent)]);
        let request = further.fold(request, |request, (name, value)| match value {
            Some(value) => request.header(name, value),
            None => request,
        });
        request.send().await.map_err(|error| Failure::Unanswered(error.without_url()))
    }

    /// The body of an answer. Empty if it has none or no client waits for it.
    async fn read(
        &self,
        mut response: reqwest::Response,
        event: &mut Event,
    ) -> Result<Bytes, Failure> {
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(Bytes::new()),
            status if status.is_success() && event.answer.is_none() => return Ok(Bytes::new()),
            status => return Err(Failure::Status(status)),
        }
        if event.answer.is_none() {
            return Ok(Bytes::new());
        }
        let limit = self.limits.answer;
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > limit => {
                    return Err(Failure::TooLarge);
                }
                Ok(Some(chunk)) if !event.admitted.grow(chunk.len()) => {
                    return Err(Failure::NoRoom);
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(error) => return Err(Failure::Cancelled(error.without_url())),
            }
        }
    }
}

/// A URL without its query, because the query may contain a function's key.
fn shown(url: &Url) -> &str {
    &url[..url::Position::AfterPath]
}
