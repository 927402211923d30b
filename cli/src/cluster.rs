//! Several nodes as one service: the flags for it, and `signalr cluster`.

use std::{io, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use signalr_service::{BrokerSettings, BrokerSettingsError, NodeStatus};

use crate::{failure::Failure, output::Output};

/// How long the reader of the answer may take.
const WRITTEN: Duration = Duration::from_secs(5);

/// The broker that connects the nodes of a cluster.
#[derive(Args, Debug)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct BrokerFlags {
    /// Redis or Valkey 7.0 or newer that connects several nodes to one service: redis://HOST:PORT,
    /// or rediss://USER:PASSWORD@HOST:PORT with TLS
    #[arg(long, value_name = "URL", env = "SIGNALR_BROKER", hide_env_values = true)]
    broker: Option<String>,

    /// PEM file of the authorities to trust for the broker's certificate, instead of the public ones
    #[arg(long, value_name = "FILE", env = "SIGNALR_BROKER_TRUST")]
    broker_trust: Option<PathBuf>,

    /// Prefix of the cluster's channels and keys; nodes with different prefixes do not see each
    /// other
    #[arg(long, value_name = "PREFIX", env = "SIGNALR_BROKER_PREFIX", default_value = "rt1")]
    broker_prefix: String,
}

impl BrokerFlags {
    /// The broker, if there is one. An empty variable counts as unset.
    pub(crate) fn read(&self) -> Result<Option<BrokerSettings>, Failure> {
        let Some(url) = self.broker.as_deref().filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let settings = BrokerSettings::parse(url)
            .and_then(|settings| settings.with_prefix(&self.broker_prefix))
            .map_err(|error| Failure::Configuration(shown(&error)))?;
        let Some(file) = &self.broker_trust else { return Ok(Some(settings)) };
        match signalr_small_file::read(file) {
            Ok(pem) => Ok(Some(settings.with_authorities(pem))),
            Err(error) => {
                let problem = format!("--broker-trust: {}: {error}", file.display());
                Err(Failure::Configuration(problem))
            }
        }
    }
}

fn shown(error: &BrokerSettingsError) -> String {
    match error {
        BrokerSettingsError::Prefix(_) => format!("--broker-prefix: {error}"),
        _ => format!("--broker: {error}"),
    }
}

/// Look at a cluster
#[derive(Args, Debug)]
pub(crate) struct Cluster {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Print the nodes of the cluster with their versions, their connections and the lag of the
    /// broker
    Status(BrokerFlags),
}

impl Cluster {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Question::Status(flags) = self.question;
        let Some(settings) = flags.read()? else {
            let problem = "there is no broker to ask; name it with --broker, as the nodes have it";
            return Err(Failure::Configuration(problem.to_owned()));
        };
        let nodes = settings.nodes().await.map_err(|error| Failure::Start(error.to_string()))?;
        let standard_output = Output::start("standard output", io::stdout())?;
        standard_output.send(table(&nodes).as_bytes());
        standard_output.flush(WRITTEN);
        Ok(())
    }
}

/// A line for each node with its counts.
fn table(nodes: &[NodeStatus]) -> String {
    let mut text = format!(
        "{:<16}  {:<10}  {:<21}  {:>10}  {:>7}  {:>11}  {:>8}  {:>8}\n",
        "NODE", "VERSION", "ADDRESS", "UP", "SEEN", "CONNECTIONS", "LAG", "LEFT OUT"
    );
    for one in nodes {
        text += &format!(
            "{:<16}  {:<10}  {:<21}  {:>8} s  {:>5.1} s  {:>11}  {:>5.1} ms  {:>8}\n",
            one.node,
            one.version,
            one.address,
            one.up.as_secs(),
            one.seen.as_secs_f64(),
            one.connections,
            one.lag.as_secs_f64() * 1000.0,
            one.left_out
        );
    }
    let connections: u64 = nodes.iter().map(|one| one.connections).sum();
    text + &format!("{} nodes, {connections} connections\n", nodes.len())
}
