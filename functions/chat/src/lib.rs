//! The upstream of the chat page: the methods that its clients call.
//!
//! The function is named `upstream`, because the service calls that name. The library of that name
//! ([`signalr_upstream`]) does the rest.

#![warn(missing_docs)]

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use serde_json::json;
use signalr_function_runtime::{Config, ConfigError, Function, Problem, service_client};
use signalr_serverless::{
    GroupName,
    rest::{Message, RestClient},
};
use signalr_upstream::{Context, MethodError, Upstream};

/// The longest message, in characters.
const LONGEST_TEXT: usize = 2000;

/// Makes a router with the function's paths.
///
/// # Errors
///
/// [`ConfigError`] if the connection string names an identity that cannot be used.
pub fn router(config: &Config) -> Result<Router, ConfigError> {
    let function = function(config, service_client(config)?)?;
    Ok(signalr_function_runtime::router(config, [function]))
}

/// The function itself, for a router with several functions. Its method `send(from, room, text)`
/// sends a text to a room, through `client`. If `EVENT_GRID_ENDPOINT` is set, it publishes the
/// connects and disconnects of clients there.
///
/// # Errors
///
/// The errors of [`router`].
pub fn function(config: &Config, client: RestClient) -> Result<Function, ConfigError> {
    let upstream = Upstream::new(config).publishing_connections(config)?;
    let upstream =
        upstream.on("send", move |caller, (from, room, text): (String, String, String)| {
            let client = client.clone();
            async move { send(&client, &caller, &from, &room, &text).await }
        });
    Ok(upstream.function())
}

/// Sends the text to the room's group. If the service knows the user, that name counts, and not the
/// name from the client.
async fn send(
    client: &RestClient,
    caller: &Context,
    from: &str,
    room: &str,
    text: &str,
) -> Result<(), MethodError> {
    let room = GroupName::parse(room).map_err(|error| MethodError::refused(error.to_string()))?;
    if text.trim().is_empty() {
        return Err(MethodError::refused("the text is blank; write something"));
    }
    if text.chars().count() > LONGEST_TEXT {
        let problem = format!("the text is longer than {LONGEST_TEXT} characters");
        return Err(MethodError::refused(problem));
    }
    let from = caller.user().map_or(from, |user| user.as_str());
    let at = milliseconds(SystemTime::now());
    let message = Message::new("newMessage", &[json!({ "from": from, "text": text, "at": at })])?;
    let hub = caller.hand_on(client.clone()).hub(caller.hub().clone());
    hub.group(room).send(&message).await.map_err(|error| Problem::from(error).into())
}

/// The time since 1970, as in browsers.
fn milliseconds(now: SystemTime) -> u64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds() {
        let later = UNIX_EPOCH + std::time::Duration::from_micros(1_500_700);
        assert_eq!(milliseconds(later), 1500);
    }
}
