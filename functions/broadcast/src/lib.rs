//! The broadcast function: sends messages to all clients of a hub, of a user or of a group, or to
//! one client.

mod message;

use std::sync::Arc;

use axum::{Extension, Router, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;
use signalr_function_runtime::{
    Config, ConfigError, Deadline, Followed, Function, Items, Problem, Results, service_client,
    variable,
};
use signalr_serverless::{HubName, rest::RestClient};

use self::message::{Addressed, MessageJson};

/// Makes a router with the function's paths.
///
/// # Errors
///
/// [`ConfigError`] if no setting says who may call ([`Config::authorization`]), if the connection
/// string names an identity that cannot be used, or if the timers' message is not valid.
pub fn router(config: &Config) -> Result<Router, ConfigError> {
    let function = function(config, service_client(config)?)?;
    Ok(signalr_function_runtime::router(config, [function]))
}

/// The function itself, for a router with several functions.
///
/// # Errors
///
/// The errors of [`router`].
pub fn function(config: &Config, client: RestClient) -> Result<Function, ConfigError> {
    if let Some(message) = &config.timer_message {
        check(message).map_err(|reason| ConfigError::of(variable::TIMER_MESSAGE, reason))?;
    }
    let endpoint = config.connection_string.endpoint().to_owned();
    let rehearsal = client.clone().without_sending();
    let broadcast = Arc::new(Broadcast { client, rehearsal, endpoint });
    let function = Function::guarded("broadcast", config.authorization()?, handle, broadcast);
    Ok(function.triggered(config.timer_message.clone()))
}

/// Checks the timers' message at the start, so that a wrong message is found before the first
/// timer.
fn check(timer_message: &str) -> Result<(), String> {
    let messages = Items::split(timer_message.as_bytes())
        .and_then(|items| items.parse::<MessageJson, Addressed>());
    match messages {
        Ok(_) => Ok(()),
        Err(problem) => Err(format!("is not a message: {}", problem.detail())),
    }
}

struct Broadcast {
    client: RestClient,
    /// The same client, which sends nothing.
    rehearsal: RestClient,
    /// The name of the service in messages.
    endpoint: String,
}

async fn handle(
    State(broadcast): State<Arc<Broadcast>>,
    Extension(hub): Extension<HubName>,
    followed: Followed,
    deadline: Deadline,
    items: Items,
) -> Result<impl IntoResponse, Problem> {
    let messages = items.parse::<MessageJson, Addressed>()?;
    items.check(&messages, |message| message.endpoints().check(&broadcast.endpoint))?;
    if items.are_several() {
        let rehearsal = broadcast.rehearsal.hub(hub.clone());
        for (index, message) in messages.iter().enumerate() {
            items.refuse_unsendable(index, message.send(&rehearsal).await)?;
        }
    }
    let hub = followed.hand_on(broadcast.client.clone()).hub(hub);
    let send = |message: Addressed| {
        let hub = hub.clone();
        async move {
            message.send(&hub).await?;
            Ok(json!({ "status": StatusCode::ACCEPTED.as_u16() }))
        }
    };
    let results = Results::one_by_one(&items, messages, deadline, send).await?;
    Ok((StatusCode::ACCEPTED, results))
}
