//! The connection that receives frames, and its subscriptions.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::time::{Instant, interval, sleep, timeout};

use super::{
    channels::Name,
    connect,
    health::{Down, Health},
    inbox::Inbox,
    interest::Interests,
    settings::BrokerSettings,
};

/// How many channels one command contains.
const BATCH: usize = 1000;
/// How long the broker may take for one command.
const LIMIT: Duration = Duration::from_secs(2);
/// How long the node still counts as away after all its subscriptions were made again, so that
/// other nodes have theirs too.
const OTHERS: Duration = Duration::from_millis(250);
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// Keeps the subscriptions up to date, for ever.
pub(super) async fn run(
    settings: BrokerSettings,
    first: MultiplexedConnection,
    inbox: Inbox,
    interests: Interests,
    health: Health,
) {
    let mut connection = first;
    loop {
        // This returns only when the connection has ended.
        let _ = keep(&mut connection, &inbox, &interests).await;
        health.subscribes(false);
        interests.lose();
        connection = connect_again(&settings, &inbox, &interests).await;
        sleep(OTHERS).await;
        health.subscribes(true);
        inbox.resubscribed();
    }
}

async fn keep(
    connection: &mut MultiplexedConnection,
    inbox: &Inbox,
    interests: &Interests,
) -> Result<(), Down> {
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        subscribe(connection, interests).await?;
        tokio::select! {
            () = interests.changed() => {}
            () = inbox.lost() => return Err(Down),
            _ = seconds.tick() => {
                unsubscribe(connection, &interests.take_released(Instant::now())).await?;
                ping(connection).await?;
            }
        }
    }
}

async fn subscribe(
    connection: &mut MultiplexedConnection,
    interests: &Interests,
) -> Result<(), Down> {
    for names in interests.take_added().chunks(BATCH) {
        let channels: Vec<&[u8]> = names.iter().map(|name| &**name).collect();
        within(connection.subscribe(channels)).await?;
        interests.confirm(names);
    }
    Ok(())
}

async fn unsubscribe(connection: &mut MultiplexedConnection, names: &[Name]) -> Result<(), Down> {
    for names in names.chunks(BATCH) {
        let channels: Vec<&[u8]> = names.iter().map(|name| &**name).collect();
        within(connection.unsubscribe(channels)).await?;
    }
    Ok(())
}

/// Finds out if the broker does not answer, although the connection still exists.
async fn ping(connection: &mut MultiplexedConnection) -> Result<(), Down> {
    let command = redis::cmd("PING");
    within(connection.send_packed_command(&command)).await.map(drop)
}

async fn within<T>(answer: impl Future<Output = redis::RedisResult<T>>) -> Result<T, Down> {
    match timeout(LIMIT, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::debug!(%error, "the broker's connection for subscriptions broke");
            Err(Down)
        }
        Err(_) => Err(Down),
    }
}

async fn connect_again(
    settings: &BrokerSettings,
    inbox: &Inbox,
    interests: &Interests,
) -> MultiplexedConnection {
    let (mut pause, longest) = PAUSES;
    loop {
        match connect::subscriber(settings, inbox).await {
            Ok(mut connection) => {
                if subscribe(&mut connection, interests).await.is_ok() {
                    return connection;
                }
                interests.lose();
            }
            Err(error) => tracing::debug!(%error, "the broker does not answer"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}
