//! `signalr serve`: the service alone, instead of asrs-emulator.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use signalr_http_server::{EndSignals, ReloadSignals};
use signalr_service::{
    ClientMessages, Config, EntraIssuer, HostName, Listen, Service,
    upstream::{FILE_NAME, Settings},
};
use tokio::sync::watch;

use crate::{
    admin::AdminFlags,
    announcement::{self, Line, Scheme},
    cluster::BrokerFlags,
    dashboard::{self, DashboardFlag},
    failure::Failure,
    keys::{self, KeyFlags, Keys},
    limits::LimitFlags,
    open_files,
    output::Output,
    service_mode::ServiceModeFlags,
    tls::TlsFlags,
    trust::TrustFlag,
};

const PORT_FLAGS: &str = "flags --port, --preview-port and --ip";

/// Run the service alone; it has the flags and defaults of asrs-emulator's `start`
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, env = "SIGNALR_PORT", default_value_t = 8888)]
    port: u16,

    /// Address to listen on, such as 0.0.0.0 [default: this machine only]
    #[arg(short, long, value_name = "ADDRESS", env = "SIGNALR_IP")]
    ip: Option<IpAddr>,

    /// The settings.json of asrs-emulator, or its folder: the URLs to call when clients do
    /// something; changes are followed [default: the settings.json of this folder, if there is one]
    #[arg(short, long, value_name = "FILE", env = "SIGNALR_CONFIG")]
    config: Option<PathBuf>,

    #[command(flatten)]
    keys: KeyFlags,

    /// URL of the Microsoft Entra issuer, as in its discovery document; REST callers may use its
    /// tokens
    #[arg(long, value_name = "URL", value_parser = EntraIssuer::parse)]
    entra_issuer: Option<EntraIssuer>,

    /// Audience that those tokens must have
    #[arg(long, value_name = "AUDIENCE", default_value = EntraIssuer::DEFAULT_AUDIENCE, requires = "entra_issuer")]
    entra_audience: String,

    #[command(flatten)]
    trust: TrustFlag,

    /// What happens to a client that sends; serverless clients should only listen
    #[arg(long, value_enum, env = "SIGNALR_CLIENT_MESSAGES", default_value_t = OnClientMessage::Close)]
    client_messages: OnClientMessage,

    /// Additional port for API v1-preview, on Azure 5002; 0 picks a free one
    #[arg(long, value_name = "PORT")]
    preview_port: Option<u16>,

    /// Further name of this service, repeatable: a host that tokens may be for, with the path of a
    /// gateway if there is one, such as gateway.example.com/realtime
    #[arg(long = "host", value_name = "NAME", env = "SIGNALR_HOST", value_delimiter = ',')]
    names: Vec<HostName>,

    #[command(flatten)]
    admin: AdminFlags,

    #[command(flatten)]
    dashboard: DashboardFlag,

    /// Accept tokens of any time, with any host and port in their audience, and the paths of
    /// asrs-emulator without api-version
    #[arg(long)]
    lenient: bool,

    /// Folder that keeps users' groups over a restart [default: they end with the process]
    #[arg(long, value_name = "DIR", env = "SIGNALR_DATA")]
    data: Option<PathBuf>,

    #[command(flatten)]
    service_mode: ServiceModeFlags,

    #[command(flatten)]
    broker: BrokerFlags,

    #[command(flatten)]
    tls: TlsFlags,

    #[command(flatten)]
    limits: LimitFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnClientMessage {
    /// Close the connection with the reason
    Close,
    /// Keep it open and drop the message, as asrs-emulator does
    Ignore,
}

impl Serve {
    /// Serves until a signal ends it. A second one ends it at once.
    pub(crate) async fn run(self, standard_error: &Output) -> Result<(), Failure> {
        let settings = self.settings();
        let upstream = match &settings {
            Some(file) => Some(Settings::watch(file, ReloadSignals::listen()?)?),
            None => None,
        };
        let upstream_lines = upstream_lines(settings.as_deref(), upstream.as_ref());
        let tls = self.tls.read()?;
        let scheme = if tls.is_some() { Scheme::Https } else { Scheme::Http };
        let broker = self.broker.read()?;
        let dashboard = self.dashboard.page(self.admin.listen().is_some())?;
        let data = self.data.clone();
        if broker.is_some() && data.is_some() {
            let problem =
                "--data is for a node alone: with --broker the users' groups last in the broker";
            return Err(Failure::Configuration(problem.to_owned()));
        }
        let signals = EndSignals::listen()?;
        let keys = self.keys.read(self.is_for_this_machine())?;
        let key = keys.shown();
        self.warn(&keys, standard_error);
        let reload = ReloadSignals::listen()?;
        let keys = keys.into_access_keys();
        let key_changes =
            keys::follow(self.keys.clone(), self.is_for_this_machine(), keys.clone(), reload);
        let files = open_files::raise_limit()?;
        let config = Config {
            key_changes: Some(key_changes),
            upstream,
            broker,
            data,
            dashboard,
            tls,
            access_keys: keys,
            ..self.config(open_files::sockets(files))
        };
        let sockets = config.sockets.connections;
        let service = config.bind().await.map_err(|error| Failure::start(&error, PORT_FLAGS))?;
        let mut lines = lines(&service, scheme, key);
        lines.extend(upstream_lines);
        lines.push(Line::new("sockets", format!("{sockets} at once, with {files} open files")));
        announcement::print(&lines)?;
        Ok(signals.run(|first| service.run(first)).await?)
    }

    fn config(self, sockets: usize) -> Config {
        let defaults = self.limits.apply(Config::default(), sockets);
        Config {
            listen: self.listen(self.port),
            preview_listen: self.preview_port.map(|port| self.listen(port)),
            admin_listen: self.admin.listen(),
            admin_hosts: self.admin.into_hosts(),
            entra: self.entra_issuer.map(|issuer| issuer.with_audience(self.entra_audience)),
            client_messages: match self.client_messages {
                OnClientMessage::Close => ClientMessages::Close,
                OnClientMessage::Ignore => ClientMessages::Ignore,
            },
            service_modes: self.service_mode.modes(),
            names: self.names,
            lenient: self.lenient,
            trust: self.trust.authorities(),
            ..defaults
        }
    }

    /// The file of the upstream settings: the given one, or the one of the working folder.
    fn settings(&self) -> Option<PathBuf> {
        let own = PathBuf::from(FILE_NAME);
        self.config.clone().or_else(|| own.is_file().then_some(own))
    }

    fn listen(&self, port: u16) -> Listen {
        match self.ip {
            Some(ip) => Listen::Address((ip, port).into()),
            None => Listen::Loopback { port },
        }
    }

    /// Warns about settings that may surprise the user.
    fn warn(&self, keys: &Keys, standard_error: &Output) {
        if self.is_for_this_machine() {
            return;
        }
        if self.lenient {
            announcement::warn(
                standard_error,
                "other machines can reach this service, and with --lenient a token is good for \
                 ever: everyone who once got one can use it. Leave --lenient out",
            );
        }
        if keys.have_the_well_known_one() {
            announcement::warn(
                standard_error,
                "other machines can reach this service, and its access key is the one that \
                 everybody knows, as --insecure-key allows. Set a key of your own with --access-key",
            );
        }
    }

    fn is_for_this_machine(&self) -> bool {
        self.ip.is_none_or(|ip| ip.is_loopback())
    }
}

/// The lines about the upstream file: its path and its content.
fn upstream_lines(file: Option<&Path>, settings: Option<&watch::Receiver<Settings>>) -> Vec<Line> {
    let (Some(file), Some(settings)) = (file, settings) else { return Vec::new() };
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let file = Line::new("upstream settings", file.display().to_string());
    let settings = settings.borrow();
    let templates = settings.lines().map(|template| Line::new("upstream", template));
    std::iter::once(file).chain(templates).collect()
}

fn lines(service: &Service, scheme: Scheme, key: &str) -> Vec<Line> {
    let Some(address) = service.addresses().first() else { return Vec::new() };
    let is_everywhere = address.ip().is_unspecified();
    let host = if address.ip().is_loopback() || is_everywhere {
        "localhost".to_owned()
    } else {
        announcement::host(address.ip())
    };
    let mut lines = announcement::service(scheme, &host, address.port(), key);
    if is_everywhere {
        let text = "every address of this machine; from another one, put its name for localhost";
        lines.push(Line::new("listens on", text));
    }
    if let Some(preview) = service.preview_addresses().first() {
        lines.push(Line::new("v1-preview", format!("{scheme}://{host}:{}", preview.port())));
    }
    if let Some(admin) = service.admin_addresses().first() {
        lines.push(Line::new("admin", format!("http://{admin}")));
        if service.dashboard().is_some() {
            lines.push(dashboard::line(&format!("http://{admin}")));
        }
    }
    lines
}
