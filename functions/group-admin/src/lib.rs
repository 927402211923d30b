//! The group-admin function: puts connections and users into groups, takes them out, asks and lists.

mod action;
mod perform;

use std::sync::Arc;

use axum::{Extension, Router, extract::State, response::IntoResponse};
use signalr_function_runtime::{
    Config, ConfigError, Deadline, Function, Items, Problem, Results, service_client,
};
use signalr_serverless::{HubName, rest::RestClient};

use self::action::{ActionJson, Asked};

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
    let endpoint = config.connection_string.endpoint().to_owned();
    let groups = Arc::new(GroupAdmin { client, endpoint });
    Ok(Function::guarded("group-admin", config.authorization()?, handle, groups))
}

struct GroupAdmin {
    client: RestClient,
    /// What actions call the service.
    endpoint: String,
}

async fn handle(
    State(groups): State<Arc<GroupAdmin>>,
    Extension(hub): Extension<HubName>,
    deadline: Deadline,
    items: Items,
) -> Result<impl IntoResponse, Problem> {
    let actions = items.parse::<ActionJson, Asked>()?;
    items.check(&actions, |asked| asked.endpoints.check(&groups.endpoint))?;
    let hub = groups.client.hub(hub);
    let perform = |Asked { action, .. }| {
        let hub = hub.clone();
        async move { action.perform(&hub).await }
    };
    Results::one_by_one(actions, deadline, perform).await
}
