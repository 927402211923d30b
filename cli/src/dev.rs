//! `signalr dev`: the service, the functions and the chat page together, for this machine only.

use std::{ffi::OsString, io, path::Path, sync::Arc};

use axum::Router;
use clap::Args;
use serde_json::json;
use signalr_function_runtime::{Config as FunctionConfig, variable};
use signalr_http_server::{
    EndSignals, Limits, Listen, Security, SocketLimits, SocketPlaces, serve_with,
};
use signalr_serverless::{ConnectionString, HubName};
use signalr_service::{
    Config as ServiceConfig, DashboardRoutes, Service, WELL_KNOWN_ACCESS_KEY, upstream::Settings,
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    announcement::{self, Line, Scheme, connection_string},
    dashboard,
    failure::Failure,
    limits::socket_limits,
    local_settings::{self, LocalSettings, Origins},
    open_files,
    output::Output,
    page,
};

/// Run everything on this machine: service, functions and chat page
///
/// If AzureSignalRConnectionString or AzureSignalRConnectionString__serviceUri is set, the command uses
/// that service and starts none. It reads a local.settings.json in the working folder and takes its
/// values for variables that are not set.
#[derive(Args, Debug)]
pub(crate) struct Dev {
    /// Port of the functions and the chat page; 0 picks a free one [default: 7071, or LocalHttpPort of local.settings.json]
    #[arg(short, long)]
    port: Option<u16>,

    /// Port of the service; 0 picks a free one
    #[arg(long, default_value_t = 8888)]
    service_port: u16,

    /// Hub to serve, repeatable; the first one answers calls that name no hub [default: chat]
    #[arg(
        long = "hub",
        value_name = "HUB",
        env = variable::HUBS.name,
        value_delimiter = ','
    )]
    hubs: Vec<HubName>,
}

/// The default of Azure Functions' tools.
const PORT: u16 = 7071;

impl Dev {
    /// Serves until a signal ends it. A second one ends it at once.
    pub(crate) async fn run(
        mut self,
        standard_error: &Output,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let file = LocalSettings::read(Path::new(local_settings::FILE))?;
        if let Some(file) = &file {
            self.fill_in(file)?;
            warn(file, standard_error);
        }
        if self.hubs.is_empty() {
            self.hubs.push(HubName::parse("chat").map_err(|error| Failure::configuration(&error))?);
        }
        let set = |key: &str| environment(key).filter(|value| !value.is_empty());
        let in_file = |key: &str| {
            let file = file.as_ref()?;
            file.value(key).map(OsString::from).or_else(|| origins(file, key))
        };
        let starts_service =
            !names_a_service(&set) && (!names_a_service(&in_file) || self.is_own(&in_file));
        let environment = |key: &str| set(key).or_else(|| in_file(key));
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

        let mut lines = self.lines(&listeners, service.as_ref(), &config)?;
        lines.extend(file.as_ref().map(settings));
        announcement::print(&lines)?;
        let dashboard = service.as_ref().and_then(Service::dashboard);
        let app = page::in_front_of(app, starts_service);
        let app = dashboard::beside(app, dashboard.as_ref());
        let places = SocketPlaces::new(half_of_the_sockets()?);
        let serve = |first| {
            let ending = async move {
                first.await;
                // Without this the server would wait for open dashboards.
                dashboard.iter().for_each(DashboardRoutes::end_traces);
            };
            serve(places, app, listeners, service, ending)
        };
        Ok(signals.run(serve).await?)
    }

    /// Takes from the file what the flags leave open.
    fn fill_in(&mut self, file: &LocalSettings) -> Result<(), Failure> {
        self.port = self.port.or(file.port);
        let names = file.value(variable::HUBS.name).or_else(|| file.value(variable::HUB.name));
        if let Some(names) = names.filter(|_| self.hubs.is_empty()) {
            let default = file.value(variable::HUB.name).unwrap_or_default().trim();
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            let hubs = names.map(HubName::parse).collect::<Result<Vec<_>, _>>();
            self.hubs = hubs.map_err(|error| Failure::configuration(&error))?;
            // The first hub answers calls that name no hub.
            self.hubs.sort_by_key(|hub| !hub.as_str().eq_ignore_ascii_case(default));
        }
        Ok(())
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(PORT)
    }

    /// Whether the file names the service that this command would start.
    fn is_own(&self, in_file: &impl Fn(&str) -> Option<OsString>) -> bool {
        let own = own_connection_string(self.service_port).ok();
        let named = [variable::CONNECTION_STRING, variable::CONNECTION_STRING_SECTION];
        let named = named.iter().find_map(|variable| in_file(variable.name));
        let named = named.and_then(|text| ConnectionString::parse(&text.into_string().ok()?).ok());
        let has_no_identity = in_file(variable::SERVICE_URI.name).is_none();
        let is_same = |own: &ConnectionString, named: &ConnectionString| {
            own.endpoint() == named.endpoint().replace("127.0.0.1", "localhost")
                && own.credential() == named.credential()
        };
        let both = own.zip(named);
        has_no_identity && both.is_some_and(|(own, named)| is_same(&own, &named))
    }

    /// Reads the environment, with this command's own defaults under it and its flags over it.
    fn function_config(
        &self,
        starts_service: bool,
        environment: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<FunctionConfig, Failure> {
        let port = self.port();
        if port == self.service_port && port != 0 && starts_service {
            return Err(Failure::Configuration(format!(
                "--port and --service-port are both {port}; give them two ports"
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
                // The port is known only after it is bound. `run` puts it in then.
                Some(connection_string(Scheme::Http, "localhost", 1, WELL_KNOWN_ACCESS_KEY).into())
            } else if [variable::PORT, variable::AZURE_PORT, variable::LAMBDA_RUNTIME]
                .into_iter()
                .any(is)
            {
                // This command chooses the address to listen on.
                None
            } else {
                environment(key).or_else(|| default(key))
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
            dashboard: Some(dashboard::built()),
            ..ServiceConfig::default()
        };
        config.bind().await.map_err(|error| Failure::start(&error, "flag --service-port"))
    }

    async fn bind_functions(&self) -> Result<Vec<TcpListener>, Failure> {
        Listen::Loopback { port: self.port() }
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
                lines.push(dashboard::line(&app));
                lines.extend(announcement::service(
                    Scheme::Http,
                    "localhost",
                    port,
                    WELL_KNOWN_ACCESS_KEY,
                ));
            }
            // The key of another service is a secret, so only the endpoint is shown.
            None => lines.push(Line::new("service", config.connection_string.endpoint())),
        }
        Ok(lines)
    }
}

fn functions_port(listeners: &[TcpListener]) -> io::Result<u16> {
    let listener = listeners.first().ok_or(io::ErrorKind::NotConnected)?;
    Ok(listener.local_addr()?.port())
}

/// The upstream at the functions. They get the clients' calls, and also connects and disconnects if
/// those are published.
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

/// The line with the file's path and the names of its settings, without values.
fn settings(file: &LocalSettings) -> Line {
    let names = file.names().collect::<Vec<_>>().join(", ");
    Line::new("settings", format!("{} ({names})", local_settings::FILE))
}

fn warn(file: &LocalSettings, standard_error: &Output) {
    if file.origins == Some(Origins::All) {
        announcement::warn(
            standard_error,
            "pages of this machine alone may call, since browsers take no * together with credentials; list the others in CORS",
        );
    }
}

/// The origins of the file's CORS, together with the pages of this machine.
fn origins(file: &LocalSettings, key: &str) -> Option<OsString> {
    match &file.origins {
        Some(Origins::These(origins)) if key == variable::ALLOWED_ORIGINS.name => {
            Some(format!("loopback,{origins}").into())
        }
        _ => None,
    }
}

/// The default of a variable that is not set.
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

/// The sockets for one of the two servers that listen.
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

/// Serves until the signal. The service ends after the functions, because their last calls still
/// need it.
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
