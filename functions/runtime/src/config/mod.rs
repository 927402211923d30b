//! Configuration: reads every variable once, through a lookup, before anything is bound.
//!
//! | file | concern |
//! |---|---|
//! | `variable` | the name and meaning of every environment variable |
//! | `environment` | reading a variable, and what is wrong with one |
//! | `mod` | reading them all, once |
//! | `event_grid` | where connection events go |
//! | `listen` | where calls come from |
//! | `log` | the lines that are logged, and their form |
//! | `http_client` | the process's one HTTP client |
//! | `service_client` | calling the service |

pub(crate) mod environment;
pub(crate) mod event_grid;
pub(crate) mod http_client;
pub(crate) mod listen;
pub(crate) mod log;
#[cfg(feature = "rest")]
pub(crate) mod service_client;
pub mod variable;

use std::{collections::HashMap, env, ffi::OsString};

use signalr_log::Log;
use signalr_serverless::ConnectionString;

use self::{
    environment::{ConfigError, Environment},
    event_grid::EventGrid,
    http_client::HttpClient,
    listen::Listen,
};
use crate::call::{
    authorization::{Authorization, Callers},
    client_token::ClientToken,
    cors::AllowedOrigins,
    hubs::Hubs,
    identity::Identity,
};

/// The settings of the functions from their environment.
///
/// ```
/// use std::collections::HashMap;
/// use signalr_function_runtime::Config;
///
/// let variables = HashMap::from([
///     ("AzureSignalRConnectionString", "Endpoint=http://localhost:8888;AccessKey=secret"),
///     ("SIGNALR_HUB", "chat"),
/// ]);
/// let config = Config::from_lookup(|key| variables.get(key).copied())?;
/// assert_eq!(config.connection_string.endpoint(), "http://localhost:8888");
/// # Ok::<(), signalr_function_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// The service.
    pub connection_string: ConnectionString,
    /// The hubs that the functions serve.
    pub hubs: Hubs,
    /// The places to look for the user.
    pub identity: Identity,
    /// The settings of every client's token.
    pub client_token: ClientToken,
    /// The message that broadcast sends when a timer calls it: JSON text, not yet checked.
    pub timer_message: Option<String>,
    /// The receiver of connection events, if there is one.
    pub event_grid: Option<EventGrid>,
    /// The origins whose pages may call from a browser.
    pub origins: AllowedOrigins,
    /// The source of calls.
    pub listen: Listen,
    pub(crate) log: Log,
    #[cfg_attr(not(feature = "http-client"), expect(dead_code, reason = "nothing calls out"))]
    pub(crate) http: HttpClient,
    callers: Callers,
}

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first variable that is missing or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|key| env::var_os(key))
    }

    /// Reads every variable through `lookup`. A blank value counts as unset.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first variable that is missing or wrong.
    pub fn from_lookup<V: Into<OsString>>(
        lookup: impl Fn(&str) -> Option<V>,
    ) -> Result<Self, ConfigError> {
        let lookup = |key: &str| lookup(key).map(Into::into);
        let environment = &Environment::new(&lookup);
        let connection_string = connection_string(environment)?;
        let listen = Listen::from_environment(environment)?;
        let http = HttpClient::from_environment(environment)?;
        Ok(Self {
            connection_string,
            hubs: Hubs::from_environment(environment)?,
            identity: Identity::from_environment(environment, listen, &http)?,
            client_token: ClientToken::from_environment(environment)?,
            timer_message: environment.text(variable::TIMER_MESSAGE)?,
            event_grid: EventGrid::from_environment(environment)?,
            origins: AllowedOrigins::from_environment(environment)?,
            listen,
            log: log::from_environment(environment, listen)?,
            http,
            callers: Callers::from_environment(environment)?,
        })
    }

    /// The process's one HTTP client: no redirects, no proxy, no retries.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it cannot be made with the authorities of `SSL_CERT_FILE`.
    #[cfg(feature = "http-client")]
    pub fn http_client(&self) -> Result<reqwest::Client, ConfigError> {
        self.http.get()
    }

    /// Starts to send spans, if the process's environment names a collector.
    #[cfg(feature = "traces")]
    pub(crate) fn traces(&self) -> Result<Option<signalr_traces::Export>, ConfigError> {
        let http = self.http_client()?;
        signalr_traces::Export::start(http, "signalr-functions", |key| env::var_os(key))
            .map_err(|error| ConfigError::of(variable::TRACES_ENDPOINT, error))
    }

    /// The rule for functions that not everyone may call.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if no key is set although other machines can call and no platform checks the
    /// callers.
    pub fn authorization(&self) -> Result<Authorization, ConfigError> {
        self.callers.authorization(self.listen, &self.origins)
    }

    /// The rule that every caller must send a key of `FUNCTION_KEY`; `None` if it is unset.
    #[must_use]
    pub fn function_keys(&self) -> Option<Authorization> {
        self.callers.with_key()
    }
}

/// Reads the connection string. An identity has priority over a key, as in Azure Functions: an
/// identity is set up to avoid keys.
fn connection_string(environment: &Environment<'_>) -> Result<ConnectionString, ConfigError> {
    if let Some(service) = by_identity(environment)? {
        return Ok(service);
    }
    for variable in [variable::CONNECTION_STRING, variable::CONNECTION_STRING_SECTION] {
        if let Some(connection_string) = environment.parse(variable)? {
            return Ok(connection_string);
        }
    }
    Err(ConfigError::of(
        variable::CONNECTION_STRING,
        "is not set; copy the connection string from the service's keys, or from what `signalr serve` prints",
    ))
}

/// The service and the identity of `AzureSignalRConnectionString__serviceUri` and the settings that
/// belong to it.
fn by_identity(environment: &Environment<'_>) -> Result<Option<ConnectionString>, ConfigError> {
    let settings = [
        variable::SERVICE_URI,
        variable::CREDENTIAL,
        variable::CLIENT_ID,
        variable::TENANT_ID,
        variable::CLIENT_SECRET,
    ];
    let settings = settings.map(|variable| Ok((variable.name, environment.text(variable)?)));
    let settings = settings.into_iter().collect::<Result<HashMap<_, _>, ConfigError>>()?;
    ConnectionString::from_identity_settings(variable::CONNECTION_STRING.name, |name| {
        settings.get(name).cloned().flatten()
    })
    .map_err(|error| ConfigError::of(variable::CONNECTION_STRING, error))
}

#[cfg(test)]
pub(crate) mod tests {
    use signalr_serverless::{Credential, EntraIdentity};

    use super::*;

    /// A configuration with the required variables and these further ones.
    pub(crate) fn config(set: &[(&str, &str)]) -> Result<Config, String> {
        let least = [
            ("AzureSignalRConnectionString", "Endpoint=http://localhost:8888;AccessKey=s3cret"),
            ("SIGNALR_HUB", "chat"),
        ];
        Config::from_lookup(|key| {
            set.iter().chain(&least).find(|(name, _)| *name == key).map(|(_, value)| *value)
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn the_platform_decides_where_calls_come_from() {
        let azure = ("FUNCTIONS_CUSTOMHANDLER_PORT", "4000");
        assert_eq!(config(&[]).unwrap().listen, Listen::Local { port: 7071 });
        assert_eq!(config(&[("PORT", "0")]).unwrap().listen, Listen::Local { port: 0 });
        assert_eq!(config(&[("PORT", "1"), azure]).unwrap().listen, Listen::Azure { port: 4000 });
        let lambda = config(&[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"), azure]);
        if cfg!(feature = "lambda") {
            assert_eq!(lambda.unwrap().listen, Listen::Lambda);
        } else {
            assert!(lambda.unwrap_err().starts_with("AWS_LAMBDA_RUNTIME_API: "));
        }
    }

    #[test]
    fn the_second_name_of_the_connection_string_works_and_the_first_goes_before_it() {
        let second = ("Azure__SignalR__ConnectionString", "Endpoint=http://b;AccessKey=k");
        let endpoint =
            |set: &[(&str, &str)]| config(set).unwrap().connection_string.endpoint().to_owned();
        assert_eq!(endpoint(&[second]), "http://localhost:8888");
        assert_eq!(endpoint(&[("AzureSignalRConnectionString", " "), second]), "http://b");
    }

    #[test]
    fn an_identity_goes_before_a_key() {
        let uri = ("AzureSignalRConnectionString__serviceUri", "https://x.service.signalr.net");
        let client_id = ("AzureSignalRConnectionString__clientId", "app");
        let credential =
            |set: &[(&str, &str)]| config(set).unwrap().connection_string.credential().clone();
        assert!(matches!(credential(&[client_id]), Credential::AccessKey(_)));
        assert_eq!(credential(&[uri]), Credential::Entra(EntraIdentity::Default));
        let managed = EntraIdentity::ManagedIdentity { client_id: Some("app".to_owned()) };
        assert_eq!(credential(&[uri, client_id]), Credential::Entra(managed));
    }

    #[test]
    fn a_bad_value_is_named_with_what_would_do() {
        let cases = [
            ("AzureSignalRConnectionString", "", "is not set"),
            ("AzureSignalRConnectionString", "Endpoint=http://x;Port=0;AccessKey=s3cret", "'0'"),
            (
                "AzureSignalRConnectionString__serviceUri",
                "x.net",
                "AzureSignalRConnectionString__serviceUri 'x.net' cannot be used; use the service's URL",
            ),
            ("PORT", "70000", "'70000' is not a port; use a number from 0 to 65535"),
            ("PORT", "-1", "'-1'"),
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "web", "'web'"),
            ("SIGNALR_APPLICATION", "a b", "'a b'"),
        ];
        for (key, value, part) in cases {
            let error = config(&[(key, value)]).unwrap_err();
            let variable = key.split("__serviceUri").next().unwrap();
            assert!(error.starts_with(&format!("{variable}: ")) && error.contains(part), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let error = Config::from_lookup(|_| Some(OsString::from_vec(vec![0xff]))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "AzureSignalRConnectionString__serviceUri: is not UTF-8; write it as UTF-8 text"
        );
    }

    #[test]
    fn no_secret_is_printed() {
        let config = config(&[("FUNCTION_KEY", "hunter2")]).unwrap();
        let shown = format!("{config:?} {:?}", config.authorization());
        assert!(!shown.contains("s3cret") && !shown.contains("hunter2"), "{shown}");
    }
}
