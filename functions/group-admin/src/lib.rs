//! The group-admin function: puts connections and users into groups, removes them, checks and lists
//! members.

mod action;
mod perform;

use std::sync::Arc;

use axum::{Extension, Router, extract::State, response::IntoResponse};
use signalr_function_runtime::{
    Config, ConfigError, Deadline, Followed, Function, Items, Problem, Results, service_client,
};
use signalr_serverless::{HubName, rest::RestClient};

use self::action::{ActionJson, Asked};

/// Makes a router with the function's paths.
///
/// # Errors
///
/// [`ConfigError`] if no setting says who may call ([`Config::authorization`]), or if the
/// connection string names an identity that cannot be used.
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
    let endpoint = config.connection_string.endpoint().to_owned();
    let rehearsal = client.clone().without_sending();
    let groups = Arc::new(GroupAdmin { client, rehearsal, endpoint });
    Ok(Function::guarded("group-admin", config.authorization()?, handle, groups))
}

struct GroupAdmin {
    client: RestClient,
    /// The same client, which sends nothing.
    rehearsal: RestClient,
    /// The name of the service in actions.
    endpoint: String,
}

async fn handle(
    State(groups): State<Arc<GroupAdmin>>,
    Extension(hub): Extension<HubName>,
    followed: Followed,
    deadline: Deadline,
    items: Items,
) -> Result<impl IntoResponse, Problem> {
    let actions = items.parse::<ActionJson, Asked>()?;
    items.check(&actions, |asked| asked.endpoints.check(&groups.endpoint))?;
    let rehearsal = groups.rehearsal.hub(hub.clone());
    for (index, Asked { action, .. }) in actions.iter().enumerate() {
        items.refuse_unsendable(index, action.perform(&rehearsal).await)?;
    }
    let hub = followed.hand_on(groups.client.clone()).hub(hub);
    let perform = |Asked { action, .. }| {
        let hub = hub.clone();
        async move { action.perform(&hub).await }
    };
    Results::one_by_one(&items, actions, deadline, perform).await
}
