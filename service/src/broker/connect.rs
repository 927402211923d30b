//! Connections to the broker, and the checks before the first one is used.

use std::time::Duration;

use redis::{AsyncConnectionConfig, RedisError, Value, aio::MultiplexedConnection};

use super::{Down, inbox::Inbox, settings::BrokerSettings};

const CONNECT_LIMIT: Duration = Duration::from_secs(2);

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

/// A connection for publishing.
pub(super) async fn publisher(
    settings: &BrokerSettings,
) -> Result<MultiplexedConnection, BrokerError> {
    let mut connection = connect(settings, config()).await?;
    refuse_cluster_mode(settings, &mut connection).await?;
    Ok(connection)
}

/// A connection for subscriptions. Its messages go to the inbox.
pub(super) async fn subscriber(
    settings: &BrokerSettings,
    inbox: &Inbox,
) -> Result<MultiplexedConnection, BrokerError> {
    let (inbox, taking) = (inbox.clone(), inbox.clone());
    let take = move |push| {
        taking.take(push);
        Ok::<(), redis::aio::SendError>(())
    };
    let mut connection = connect(settings, config().set_push_sender(take)).await?;
    let mut id = redis::cmd("CLIENT");
    id.arg("ID");
    if let Ok(Value::Int(id)) = connection.send_packed_command(&id).await {
        inbox.connected(u64::try_from(id).unwrap_or(0));
    }
    Ok(connection)
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_LIMIT))
        .set_response_timeout(None)
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
    // If the user may not ask this, the setting is assumed to be right.
    if let Ok(answer) = connection.send_packed_command(&info).await
        && redis::from_redis_value::<String>(answer)
            .is_ok_and(|it| it.contains("cluster_enabled:1"))
    {
        return Err(BrokerError::ClusterMode(settings.address()));
    }
    Ok(())
}
