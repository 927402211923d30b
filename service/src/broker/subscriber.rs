//! The connection that receives frames, and its subscriptions.

use std::time::Duration;

use redis::{RedisError, aio::MultiplexedConnection};
use tokio::time::{Instant, interval, sleep};

use super::{
    channels::Name,
    connect::{self, Subscriber},
    health::{Down, Health},
    inbox::Inbox,
    interest::Interests,
    settings::BrokerSettings,
};

/// How many channels one command contains.
const BATCH: usize = 1000;
/// How long the node still counts as away after all its subscriptions were made again, so that
/// other nodes have theirs too. Longer than the longest pause between two attempts of another node:
/// otherwise a message that is accepted here may find no subscriber.
const OTHERS: Duration = Duration::from_millis(400);
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// Keeps the subscriptions up to date, for ever.
pub(super) async fn run(
    settings: BrokerSettings,
    first: Subscriber,
    inbox: Inbox,
    interests: Interests,
    health: Health,
) {
    let mut subscriber = first;
    loop {
        // This returns only when the connection has ended.
        let _ = keep(&mut subscriber, &interests).await;
        // If the old connection still exists, its frames must not arrive beside those of the new one.
        drop(subscriber);
        health.subscribes(false);
        interests.lose();
        subscriber = connect_again(&settings, &inbox, &interests).await;
        sleep(OTHERS).await;
        health.subscribes(true);
        inbox.resubscribed();
    }
}

async fn keep(subscriber: &mut Subscriber, interests: &Interests) -> Result<(), Down> {
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        subscribe(&mut subscriber.connection, interests).await?;
        tokio::select! {
            () = interests.changed() => {}
            () = subscriber.lost() => return Err(Down),
            _ = seconds.tick() => {
                let released = interests.take_released(Instant::now());
                unsubscribe(&mut subscriber.connection, &released).await?;
                ping(&mut subscriber.connection).await?;
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
        connection.subscribe(channels).await.map_err(broken)?;
        interests.confirm(names);
    }
    Ok(())
}

async fn unsubscribe(connection: &mut MultiplexedConnection, names: &[Name]) -> Result<(), Down> {
    for names in names.chunks(BATCH) {
        let channels: Vec<&[u8]> = names.iter().map(|name| &**name).collect();
        connection.unsubscribe(channels).await.map_err(broken)?;
    }
    Ok(())
}

/// Finds out if the broker does not answer, although the connection still exists.
async fn ping(connection: &mut MultiplexedConnection) -> Result<(), Down> {
    let command = redis::cmd("PING");
    connection.send_packed_command(&command).await.map(drop).map_err(broken)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn broken(error: RedisError) -> Down {
    tracing::debug!(%error, "the broker's connection for subscriptions broke");
    Down
}

async fn connect_again(
    settings: &BrokerSettings,
    inbox: &Inbox,
    interests: &Interests,
) -> Subscriber {
    let (mut pause, longest) = PAUSES;
    loop {
        match connect::subscriber(settings, inbox).await {
            Ok(mut subscriber) => {
                if subscribe(&mut subscriber.connection, interests).await.is_ok() {
                    return subscriber;
                }
                interests.lose();
            }
            Err(error) => tracing::debug!(%error, "the broker does not answer"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}
