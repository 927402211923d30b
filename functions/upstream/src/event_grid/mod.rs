//! Publishes connection events through Azure Event Grid to its subscribers.
//!
//! A topic accepts them with its key. A webhook is first asked whether it wants them, as Event Grid
//! does. Each event is sent once. A failed delivery is logged, and no client waits for it.
//!
//! Sources: <https://learn.microsoft.com/azure/event-grid/post-to-custom-topic>,
//! <https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema>,
//! <https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema>

mod event;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use signalr_function_runtime::{Config, ConfigError, EventGrid, EventSchema, log_failure};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::OnceCell;
use uuid::Uuid;

use self::event::{Happened, Source, event};
use crate::{context::Context, error::MethodError, upstream::Upstream};

/// The time limit of one request to the receiver. The service's own limit for an event is longer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The longest answer of a webhook to the question, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

impl Upstream {
    /// Sends the connects and disconnects of clients to `EVENT_GRID_ENDPOINT`. This replaces
    /// [`on_connected`](Self::on_connected) and [`on_disconnected`](Self::on_disconnected). It does
    /// nothing if the variable is unset.
    ///
    /// ```no_run
    /// # fn example(config: &signalr_function_runtime::Config) -> Result<(), signalr_function_runtime::ConfigError> {
    /// let upstream = signalr_upstream::Upstream::new(config).publishing_connections(config)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if no HTTP client can be made.
    pub fn publishing_connections(self, config: &Config) -> Result<Self, ConfigError> {
        let Some(target) = &config.event_grid else { return Ok(self) };
        let publisher = Arc::new(Publisher {
            target: target.clone(),
            source: Source {
                service: config.connection_string.endpoint().to_owned(),
                is_topic: target.key().is_some(),
            },
            http: config.http_client()?,
            is_wanted: OnceCell::new(),
        });
        let for_disconnected = Arc::clone(&publisher);
        let upstream = self.on_connected(move |caller| {
            let publisher = Arc::clone(&publisher);
            async move { publisher.publish(&caller, Happened::Connected).await }
        });
        Ok(upstream.on_disconnected(move |caller, reason| {
            let publisher = Arc::clone(&for_disconnected);
            async move { publisher.publish(&caller, Happened::Disconnected(reason)).await }
        }))
    }
}

struct Publisher {
    target: EventGrid,
    source: Source,
    http: reqwest::Client,
    /// Set when a webhook has said that it wants events.
    is_wanted: OnceCell<()>,
}

impl Publisher {
    /// Publishes an event. It always succeeds for the caller, because the receiver must not decide
    /// whether a client may stay.
    async fn publish(&self, caller: &Context, happened: Happened) -> Result<(), MethodError> {
        if let Err(problem) = self.send(caller, &happened).await {
            log_failure("a connection event for Event Grid", &problem);
        }
        Ok(())
    }

    async fn send(&self, caller: &Context, happened: &Happened) -> Result<(), String> {
        if self.target.key().is_none() {
            self.is_wanted.get_or_try_init(|| self.ask()).await?;
        }
        let time = OffsetDateTime::from(SystemTime::now());
        let time = time.format(&Rfc3339).map_err(|error| error.to_string())?;
        let event = event(self.target.schema(), &self.source, caller, happened, &time);
        let request = self.post(&event, "Notification");
        let answer = request.send().await.map_err(unreachable)?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("it was answered with {}", answer.status())),
        }
    }

    /// Asks a webhook whether it wants events, with the handshake of the schema.
    async fn ask(&self) -> Result<(), String> {
        match self.target.schema() {
            EventSchema::EventGrid => self.ask_by_code().await,
            EventSchema::CloudEvents => self.ask_by_origin().await,
        }
    }

    async fn ask_by_code(&self) -> Result<(), String> {
        let code = Uuid::new_v4().to_string();
        let validation = json!([{
            "id": Uuid::new_v4().to_string(),
            "topic": self.source.service,
            "subject": "",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": OffsetDateTime::from(SystemTime::now())
                .format(&Rfc3339)
                .map_err(|error| error.to_string())?,
            "data": { "validationCode": code },
            "dataVersion": "2",
            "metadataVersion": "1",
        }]);
        let request = self.post(&validation, "SubscriptionValidation");
        let mut answer = request.send().await.map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        let came: Value = serde_json::from_slice(&body).unwrap_or_default();
        match answer.status() == StatusCode::OK && came["validationResponse"] == code {
            true => Ok(()),
            false => Err(format!(
                "the webhook answered the validation with {} and without its code as validationResponse",
                answer.status()
            )),
        }
    }

    async fn ask_by_origin(&self) -> Result<(), String> {
        let service = self.source.service.as_str();
        let origin = service.split_once("://").map_or(service, |(_, host)| host);
        let request = self.request(Method::OPTIONS).header("webhook-request-origin", origin);
        let answer = request.send().await.map_err(unreachable)?;
        let allowed = answer.headers().get("webhook-allowed-origin");
        let is_wanted = allowed.is_some_and(|allowed| allowed == origin || allowed == "*");
        match answer.status() == StatusCode::OK && is_wanted {
            true => Ok(()),
            false => Err(format!(
                "the webhook answered OPTIONS with {} and without WebHook-Allowed-Origin: {origin}",
                answer.status()
            )),
        }
    }

    fn request(&self, method: Method) -> RequestBuilder {
        self.http.request(method, self.target.url()).timeout(TIME_LIMIT)
    }

    fn post(&self, body: &Value, kind: &str) -> RequestBuilder {
        let request = self.request(Method::POST).body(body.to_string());
        let request = match self.target.key() {
            Some(key) => request.header("aeg-sas-key", key),
            None => request,
        };
        match self.target.schema() {
            EventSchema::EventGrid => request
                .header("content-type", "application/json; charset=utf-8")
                .header("aeg-event-type", kind),
            EventSchema::CloudEvents => {
                request.header("content-type", "application/cloudevents+json; charset=utf-8")
            }
        }
    }
}

/// Removes the URL from the error, because it may contain a key.
fn unreachable(error: reqwest::Error) -> String {
    let error = error.without_url();
    match error.is_timeout() {
        true => format!("the receiver did not answer within {TIME_LIMIT:?}"),
        false => format!("the receiver cannot be reached: {error}"),
    }
}
