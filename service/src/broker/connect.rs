//! Connections to the broker, and the checks before the first one is used.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Pipeline, PushInfo, PushKind, RedisError, Value,
    aio::MultiplexedConnection,
};
use tokio::sync::Notify;

use super::{
    Down, connection_mark::ConnectionMark, inbox::Inbox, script::Script, settings::BrokerSettings,
};

/// How long the broker may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long the broker may take to answer a command, or several that were sent together.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Why a node cannot take part in its cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The broker cannot be reached, or it refuses the user or the password.
    #[error("the broker at {address} cannot be used: {problem}")]
    Connect {
        /// The host and port of the broker.
        address: String,
        /// The text of the error.
        problem: String,
    },
    /// The broker is one of several that divide the keys among them.
    #[error(
        "the broker at {0} is in cluster mode, in which a channel does not reach every node; use one \
         primary with cluster mode off"
    )]
    ClusterMode(String),
    /// The broker answers, but too late or with a wrong answer.
    #[error("the broker does not do what a node needs; is it Redis or Valkey from 7.0 on?")]
    Unusable,
    /// The system provides no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl From<Down> for BrokerError {
    fn from(_: Down) -> Self {
        Self::Unusable
    }
}

/// A connection for subscriptions. Its frames go to the inbox until this is dropped.
pub(super) struct Subscriber {
    pub(super) connection: MultiplexedConnection,
    link: Arc<Link>,
}

/// What one connection for subscriptions reports. A later connection has a link of its own.
struct Link {
    inbox: Inbox,
    lost: Notify,
}

/// A connection for publishing.
pub(super) async fn publisher(
    settings: &BrokerSettings,
) -> Result<MultiplexedConnection, BrokerError> {
    let mut connection = connect(settings, config()).await?;
    refuse_cluster_mode(settings, &mut connection).await?;
    Ok(connection)
}

/// Makes the broker know all scripts. A script that it does not know is sent later than the
/// commands that were put into the queue after it.
pub(super) async fn load_scripts(connection: &mut MultiplexedConnection) {
    let mut loads = Pipeline::with_capacity(Script::ALL.len());
    for script in Script::ALL {
        loads.add_command(script.load());
    }
    // If this fails, each script is loaded when it is needed first.
    if let Err(error) = connection.send_packed_commands(&loads, 0, Script::ALL.len()).await {
        tracing::debug!(%error, "the scripts are not loaded yet");
    }
}

/// A connection for subscriptions.
pub(super) async fn subscriber(
    settings: &BrokerSettings,
    inbox: &Inbox,
) -> Result<Subscriber, BrokerError> {
    let link = Arc::new(Link { inbox: inbox.clone(), lost: Notify::new() });
    let taking = Arc::downgrade(&link);
    let take = move |push| {
        if let Some(link) = taking.upgrade() {
            link.take(push);
        }
        Ok::<(), redis::aio::SendError>(())
    };
    let mut connection = connect(settings, config().set_push_sender(take)).await?;
    inbox.connected(mark(&mut connection).await.unwrap_or_default());
    Ok(Subscriber { connection, link })
}

/// How the broker names a connection; `None` if the user may not ask this.
async fn mark(connection: &mut MultiplexedConnection) -> Option<ConnectionMark> {
    let mut asked = Pipeline::with_capacity(2);
    asked.cmd("CLIENT").arg("ID").cmd("INFO").arg("server");
    let answers = connection.send_packed_commands(&asked, 0, 2).await.ok()?;
    let [number, info] = <[Value; 2]>::try_from(answers).ok()?;
    let info: String = redis::from_redis_value(info).ok()?;
    let run = info.lines().find_map(|line| line.strip_prefix("run_id:"))?.to_owned();
    Some(ConnectionMark { number: Some(redis::from_redis_value(number).ok()?), run })
}

impl Subscriber {
    /// Waits for the end of the connection.
    pub(super) async fn lost(&self) {
        self.link.lost.notified().await;
    }
}

impl Link {
    /// Takes a message of the connection. It never waits.
    fn take(&self, push: PushInfo) {
        match push.kind {
            PushKind::Disconnection => self.lost.notify_one(),
            PushKind::Message => {
                if let Some(Value::BulkString(payload)) = push.data.into_iter().nth(1) {
                    self.inbox.take(payload.into());
                }
            }
            _ => {}
        }
    }
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_LIMIT))
        .set_response_timeout(Some(ANSWER_LIMIT))
}

async fn connect(
    settings: &BrokerSettings,
    config: AsyncConnectionConfig,
) -> Result<MultiplexedConnection, BrokerError> {
    let address = settings.address();
    let failed = |error: RedisError| BrokerError::Connect { address, problem: error.to_string() };
    let connected = async {
        let client = settings.client()?;
        client.get_multiplexed_async_connection_with_config(&config).await
    };
    connected.await.map_err(failed)
}

/// In cluster mode a message also reaches subscribers on other servers, but these are not counted.
/// So this node could not know how many answers to wait for.
async fn refuse_cluster_mode(
    settings: &BrokerSettings,
    connection: &mut MultiplexedConnection,
) -> Result<(), BrokerError> {
    let mut info = redis::cmd("INFO");
    info.arg("cluster");
    let answer = connection.send_packed_command(&info).await.map_err(|_| BrokerError::Unusable)?;
    // If the user may not ask this, the setting is assumed to be right.
    match redis::from_redis_value::<String>(answer) {
        Ok(info) if info.contains("cluster_enabled:1") => {
            Err(BrokerError::ClusterMode(settings.address()))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
