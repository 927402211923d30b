//! The group-admin function: puts connections and users into groups, takes them out, asks and lists.

mod action;
mod perform;

use std::sync::Arc;

use axum::{Extension, Router, extract::State, response::IntoResponse};
use signalr_function_runtime::{
    Config, ConfigError, Deadline, Function, Items, Problem, Results, service_client,
};
use signalr_serverless::{HubName, rest::RestClient};

use self::action::{Action, ActionJson};

/// The function behind its paths.
///
/// # Errors
///
/// [`ConfigError`] if nothing says who may call ([`Config::authorization`]), or if
/// the connection string names an identity that cannot be used.
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
    Ok(Function::guarded("group-admin", config.authorization()?, handle, Arc::new(client)))
}

async fn handle(
    State(client): State<Arc<RestClient>>,
    Extension(hub): Extension<HubName>,
    deadline: Deadline,
    items: Items,
) -> Result<impl IntoResponse, Problem> {
    let actions = items.parse::<ActionJson, Action>()?;
    let hub = client.hub(hub);
    let perform = |action: Action| {
        let hub = hub.clone();
        async move { action.perform(&hub).await }
    };
    Results::one_by_one(actions, deadline, perform).await
}
