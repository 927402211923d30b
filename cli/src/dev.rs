//! `signalr dev`: the service, the functions and the chat page at once, for this machine only.

use std::{ffi::OsString, io, sync::Arc};

use axum::Router;
use clap::Args;
use serde_json::json;
use signalr_function_runtime::{Config as FunctionConfig, variable};
use signalr_http_server::{
    EndSignals, Limits, Listen, Security, SocketLimits, SocketPlaces, serve_with,
};
use signalr_serverless::{ConnectionString, HubName};
use signalr_service::{
    Config as ServiceConfig, Service, WELL_KNOWN_ACCESS_KEY, upstream::Settings,
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    announcement::{self, Line, Scheme, connection_string},
    failure::Failure,
    limits::socket_limits,
    open_files, page,
};

/// Run everything on this machine: service, functions and chat page
///
/// Where AzureSignalRConnectionString or AzureSignalRConnectionString__serviceUri is set, that service
/// is used and none is started.
#[derive(Args, Debug)]
pub(crate) struct Dev {
    /// Port of the functions and the chat page; 0 picks a free one
    #[arg(short, long, default_value_t = 7071)]
    port: u16,

    /// Port of the service; 0 picks a free one
    #[arg(long, default_value_t = 8888)]
    service_port: u16,

    /// Hub to serve, repeatable; the first answers calls that name none
    #[arg(
        long = "hub",
        value_name = "HUB",
        env = variable::HUBS.name,
        value_delimiter = ',',
        default_value = "chat"
    )]
    hubs: Vec<HubName>,
}

impl Dev {
    /// Serves until a signal ends it. A second one ends it at once.
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let starts_service = !names_a_service(&environment);
        let mut config = self.function_config(starts_service, &environment)?;
        let signals = EndSignals::listen()?;

        let listeners = self.bind_functions().await?;
        let upstream = upstream_at(&listeners, config.event_grid.is_some())?;
        let service = if starts_service { Some(self.bind_service(upstream).await?) } else { None };
        if let Some(port) = service.as_ref().and_then(port_of) {
            config.connection_string = own_connection_string(port)?;
        }
        let app = signalr_function_app::router(&config)
            .map_err(|error| Failure::configuration(&error))?;

        announcement::print(&self.lines(&listeners, service.as_ref(), &config)?)?;
        let app = page::in_front_of(app, starts_service);
        let places = SocketPlaces::new(half_of_the_sockets()?);
        Ok(signals.run(|first| serve(places, app, listeners, service, first)).await?)
    }

    /// Reads the environment, with this command's own defaults under it and its flags over it.
    fn function_config(
        &self,
        starts_service: bool,
        environment: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<FunctionConfig, Failure> {
        if self.port == self.service_port && self.port != 0 && starts_service {
            return Err(Failure::Configuration(format!(
                "--port and --service-port are both {}; give them two ports",
                self.port
            )));
        }
        let hubs = self.hubs.iter().map(HubName::as_str).collect::<Vec<_>>();
        FunctionConfig::from_lookup(|key| {
            let is = |variable: variable::Variable| key == variable.name;
            if is(variable::HUB) {
                hubs.first().map(OsString::from)
            } else if is(variable::HUBS) {
                Some(hubs.join(",").into())
            } else if is(variable::CONNECTION_STRING) && starts_service {
                // The port is not known before it is bound; `run` puts it in then.
                Some(connection_string(Scheme::Http, "localhost", 1, WELL_KNOWN_ACCESS_KEY).into())
            } else if [variable::PORT, variable::AZURE_PORT, variable::LAMBDA_RUNTIME]
                .into_iter()
                .any(is)
            {
                // Where to listen is this command's own matter.
                None
            } else {
                environment(key).filter(|value| !value.is_empty()).or_else(|| default(key))
            }
        })
        .map_err(|error| Failure::configuration(&error))
    }

    async fn bind_service(&self, upstream: Settings) -> Result<Service, Failure> {
        let (_, upstream) = watch::channel(upstream);
        let config = ServiceConfig {
            listen: Listen::Loopback { port: self.service_port },
            upstream: Some(upstream),
            sockets: half_of_the_sockets()?,
            ..ServiceConfig::default()
        };
        config.bind().await.map_err(|error| Failure::start(&error, "flag --service-port"))
    }

    async fn bind_functions(&self) -> Result<Vec<TcpListener>, Failure> {
        Listen::Loopback { port: self.port }
            .bind()
            .await
            .map_err(|error| Failure::listen(&error, "flag --port"))
    }

    fn lines(
        &self,
        listeners: &[TcpListener],
        service: Option<&Service>,
        config: &FunctionConfig,
    ) -> io::Result<Vec<Line>> {
        let app = format!("http://localhost:{}", functions_port(listeners)?);
        let mut lines = vec![if page::is_built() {
            Line::new("chat page", format!("{app}/"))
        } else {
            Line::new("chat page", page::HOW_TO_GET_THE_PAGE)
        }];
        lines.extend(self.hubs.iter().map(|hub| Line::new("clients", format!("{app}/api/{hub}"))));
        match service.and_then(port_of) {
            Some(port) => {
                lines.extend(announcement::service(
                    Scheme::Http,
                    "localhost",
                    port,
                    WELL_KNOWN_ACCESS_KEY,
                ));
            }
            // The key of somebody's service is a secret.
            None => lines.push(Line::new("service", config.connection_string.endpoint())),
        }
        Ok(lines)
    }
}

fn functions_port(listeners: &[TcpListener]) -> io::Result<u16> {
    let listener = listeners.first().ok_or(io::ErrorKind::NotConnected)?;
    Ok(listener.local_addr()?.port())
}

/// The functions take what clients call, and their coming and going if that is published.
fn upstream_at(
    listeners: &[TcpListener],
    publishes_connections: bool,
) -> Result<Settings, Failure> {
    let categories = if publishes_connections { "messages,connections" } else { "messages" };
    let port = functions_port(listeners)?;
    let settings = json!({ "UpstreamSettings": { "Templates": [{
        "UrlTemplate": format!("http://localhost:{port}/api/upstream"),
        "CategoryPattern": categories,
    }] } });
    Ok(Settings::parse(&settings.to_string())?)
}

/// What holds where the environment says nothing.
fn default(key: &str) -> Option<OsString> {
    let value = match key {
        key if key == variable::IDENTITY.name => "query:user,anonymous",
        key if key == variable::ALLOW_INSECURE_IDENTITY.name => "true",
        key if key == variable::ALLOWED_ORIGINS.name => "loopback",
        _ => return None,
    };
    Some(value.into())
}

fn names_a_service(environment: &impl Fn(&str) -> Option<OsString>) -> bool {
    [variable::CONNECTION_STRING, variable::CONNECTION_STRING_SECTION, variable::SERVICE_URI]
        .iter()
        .any(|variable| environment(variable.name).is_some_and(|value| !value.is_empty()))
}

/// For each of the two that listen.
fn half_of_the_sockets() -> io::Result<SocketLimits> {
    Ok(socket_limits(open_files::sockets(open_files::raise_limit()?) / 2))
}

fn port_of(service: &Service) -> Option<u16> {
    service.addresses().first().map(|address| address.port())
}

fn own_connection_string(port: u16) -> Result<ConnectionString, Failure> {
    ConnectionString::parse(&connection_string(
        Scheme::Http,
        "localhost",
        port,
        WELL_KNOWN_ACCESS_KEY,
    ))
    .map_err(|error| Failure::configuration(&error))
}

/// Serves until the signal. The service ends after the functions, whose last calls still need it.
async fn serve(
    places: Arc<SocketPlaces>,
    app: Router,
    listeners: Vec<TcpListener>,
    service: Option<Service>,
    signal: impl Future<Output = ()>,
) {
    let limits = Limits::default();
    let functions = serve_with(listeners, Security::Plain, places, app, limits, signal);
    match service {
        Some(service) => service.run(functions).await,
        None => functions.await,
    }
}
