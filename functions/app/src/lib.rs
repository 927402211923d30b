//! All functions in one process. Azure starts one executable for each app, and one is also simplest
//! for a developer.

use axum::Router;
use signalr_function_runtime::{Config, ConfigError, service_client};
use signalr_serverless::Negotiator;

/// Makes a router with the paths of every function.
///
/// ```
/// use signalr_function_runtime::Config;
///
/// let config = Config::from_lookup(|key| match key {
///     "AzureSignalRConnectionString" => Some("Endpoint=http://localhost:8888;AccessKey=secret"),
///     "SIGNALR_HUB" => Some("chat"),
///     _ => None,
/// })?;
/// let router = signalr_function_app::router(&config)?;
/// # let _ = router;
/// # Ok::<(), signalr_function_runtime::ConfigError>(())
/// ```
///
/// # Errors
///
/// [`ConfigError`] if no setting says who may call ([`Config::authorization`]), or if the
/// connection string names an identity that cannot be used.
pub fn router(config: &Config) -> Result<Router, ConfigError> {
    let client = service_client(config)?;
    let negotiator = Negotiator::with_client(&config.connection_string, &client)?;
    let functions = [
        signalr_negotiate::function(config, negotiator),
        signalr_broadcast::function(config, client.clone())?,
        signalr_group_admin::function(config, client.clone())?,
        signalr_chat::function(config, client)?,
    ];
    Ok(signalr_function_runtime::router(config, functions))
}
