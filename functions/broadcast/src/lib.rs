//! The broadcast function: sends messages to a hub's clients, a user's, a group's or to one.

mod message;

use std::sync::Arc;

use axum::{Extension, Router, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;
use signalr_function_runtime::{
    Config, ConfigError, Deadline, Function, Items, Problem, Results, service_client, variable,
};
use signalr_serverless::{HubName, rest::RestClient};

use self::message::{Addressed, MessageJson};

/// The function behind its paths.
///
/// # Errors
///
/// [`ConfigError`] if nothing says who may call ([`Config::authorization`]), if
/// the connection string names an identity that cannot be used, or if the message of timers is none.
pub fn router(config: &Config) -> Result<Router, ConfigError> {
    let function = function(config, service_client(config)?)?;
    Ok(signalr_function_runtime::router(config, [function]))
}

/// The function itself, to be put behind its paths together with others.
///
/// # Errors
///
/// As [`router`].
pub fn function(config: &Config, client: RestClient) -> Result<Function, ConfigError> {
    if let Some(message) = &config.timer_message {
        check(message).map_err(|reason| ConfigError::of(variable::TIMER_MESSAGE, reason))?;
    }
    let endpoint = config.connection_string.endpoint().to_owned();
    let broadcast = Arc::new(Broadcast { client, endpoint });
    let function = Function::guarded("broadcast", config.authorization()?, handle, broadcast);
    Ok(function.triggered(config.timer_message.clone()))
}

/// A message that can never be sent is found at the start, not when the timer first calls.
fn check(timer_message: &str) -> Result<(), String> {
    let messages = Items::split(timer_message.as_bytes())
        .and_then(|items| items.parse::<MessageJson, Addressed>());
    match messages {
        Ok(_) => Ok(()),
        Err(problem) => Err(format!("is no message: {}", problem.detail())),
    }
}

struct Broadcast {
    client: RestClient,
    /// What messages call the service.
    endpoint: String,
}

async fn handle(
    State(broadcast): State<Arc<Broadcast>>,
    Extension(hub): Extension<HubName>,
    deadline: Deadline,
    items: Items,
) -> Result<impl IntoResponse, Problem> {
    let messages = items.parse::<MessageJson, Addressed>()?;
    items.check(&messages, |message| message.endpoints().check(&broadcast.endpoint))?;
    let hub = broadcast.client.hub(hub);
    let send = |message: Addressed| {
        let hub = hub.clone();
        async move {
            message.send(&hub).await?;
            Ok(json!({ "status": StatusCode::ACCEPTED.as_u16() }))
        }
    };
    let results = Results::one_by_one(messages, deadline, send).await?;
    Ok((StatusCode::ACCEPTED, results))
}
