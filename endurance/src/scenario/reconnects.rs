//! All clients lose their sockets at the same time, and reconnect at the same time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Barrier, task::JoinSet, time::timeout};

use super::bar::at_most;
use crate::{
    Failure, Scale,
    client::{Client, Record},
    publisher::publish,
    service::Service,
};

const EACH: Duration = Duration::from_millis(20);
const MESSAGES: u64 = 200;
/// The message that each client waits for before it loses its socket.
const BROKEN_AT: u64 = 50;
/// The limit for the time from the loss of all sockets until the last client is back.
const BAR: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(300);

/// Every client gets every message once, in order, over the reconnect.
pub(super) async fn run(binary: &str, scale: Scale) -> Result<String, Failure> {
    let service = Service::with(binary, &[]).await?;
    let all = Arc::new(Barrier::new(scale.reconnects));
    let mut clients = JoinSet::new();
    let mut connecting = JoinSet::new();
    for _ in 0..scale.reconnects {
        let site = service.site.clone();
        connecting.spawn(async move { Client::connect_stateful(&site).await });
        if connecting.len() >= 50 {
            next(&mut connecting, &mut clients, &all).await?;
        }
    }
    while !connecting.is_empty() {
        next(&mut connecting, &mut clients, &all).await?;
    }
    let start = Instant::now();
    let publishing = publish(&service.site, 0..MESSAGES, EACH, 10, start);
    let back = async {
        let mut slowest = Duration::ZERO;
        while let Some(back) = clients.join_next().await {
            slowest = slowest.max(back??);
        }
        Ok::<_, Failure>(slowest)
    };
    let (published, slowest) = tokio::join!(publishing, timeout(PATIENCE, back));
    published?;
    let slowest = slowest.map_err(|_| "some clients wait for messages")??;
    at_most("the last that is back", slowest, scale.bar(BAR))?;
    Ok(format!("{} clients back within {} ms", scale.reconnects, slowest.as_millis()))
}

async fn next(
    connecting: &mut JoinSet<Result<Client, Failure>>,
    clients: &mut JoinSet<Result<Duration, Failure>>,
    all: &Arc<Barrier>,
) -> Result<(), Failure> {
    if let Some(client) = connecting.join_next().await {
        clients.spawn(read(client??, Arc::clone(all)));
    }
    Ok(())
}

/// Reads all numbers over a reconnect. Returns how long that took.
async fn read(mut client: Client, all: Arc<Barrier>) -> Result<Duration, Failure> {
    // Each number is one message, and messages are counted from 1.
    let mut received = 0;
    while received < BROKEN_AT {
        receive(&mut client, &mut received).await?;
    }
    all.wait().await;
    let begun = Instant::now();
    let mut client = client.reconnect().await?;
    let first = loop {
        match client.next().await? {
            Record::Sequence(first) => break first,
            Record::Ping | Record::Ack => {}
            other => return Err(format!("no sequence but {other:?}").into()),
        }
    };
    let took = begun.elapsed();
    if first > received + 1 {
        return Err(format!("{received} messages came, and {first} is the next").into());
    }
    // Earlier messages come again.
    let mut again = first - 1;
    while again < MESSAGES {
        receive(&mut client, &mut again).await?;
    }
    client.send(&format!("{{\"type\":8,\"sequenceId\":{again}}}\u{1e}")).await?;
    Ok(took)
}

async fn receive(client: &mut Client, received: &mut u64) -> Result<(), Failure> {
    match client.next().await? {
        Record::Number(number, _) if number == *received => *received += 1,
        Record::Number(number, _) => {
            return Err(format!("{number} came in place of {received}").into());
        }
        Record::Close(reason) => return Err(format!("closed: {reason}").into()),
        _ => {}
    }
    Ok(())
}
