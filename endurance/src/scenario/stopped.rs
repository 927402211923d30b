//! The process is stopped, as with Ctrl-Z or when a machine is moved, and then continues.

use std::time::{Duration, Instant};

use tokio::time::{Instant as TokioInstant, sleep, sleep_until};

use super::bar::at_most;
use crate::{
    Failure, Scale,
    client::{
        PING, Transport,
        listener::{Listeners, many},
    },
    publisher::publish,
    service::Service,
};

/// Clients of each transport.
const CLIENTS: usize = 30;
/// How late a message after the stop may be.
const BAR: Duration = Duration::from_secs(1);
const MESSAGES: u64 = 5;

/// Clients that send pings, also while the service does not read, all stay connected.
pub(super) async fn run(binary: &str, scale: Scale) -> Result<String, Failure> {
    let (stop, client_timeout) = scale.stop;
    let limit = client_timeout.to_string();
    let service = Service::with(binary, &["--client-timeout", &limit]).await?;
    let mut clients = many(&service.site, Transport::WebSockets, CLIENTS, false).await?;
    for client in &mut clients {
        client.send(PING).await?;
    }
    let start = Instant::now();
    // These clients listen from now on, so a poll always waits, as with stock clients.
    let mut others = [Transport::Events, Transport::Polls].map(|_| Listeners::default());
    for (listeners, transport) in others.iter_mut().zip([Transport::Events, Transport::Polls]) {
        *listeners = Listeners::connect(&service.site, transport, CLIENTS).await?;
        listeners.listen(0..MESSAGES, start);
    }
    service.signal("STOP").await?;
    let end = TokioInstant::now() + stop;
    while TokioInstant::now() < end {
        for client in &mut clients {
            client.send(PING).await?;
        }
        sleep_until(end.min(TokioInstant::now() + Duration::from_secs(2))).await;
    }
    service.signal("CONT").await?;
    let gone_on = Instant::now();
    // If the service closes a client wrongly, it does so at its next checks of the timers.
    sleep(Duration::from_secs(3)).await;
    let mut listeners = Listeners::of(clients);
    listeners.listen(0..MESSAGES, start);
    publish(&service.site, 0..MESSAGES, Duration::from_millis(10), 10, start).await?;
    let mut latest = listeners.heard().await?;
    for listeners in &mut others {
        latest = latest.max(listeners.heard().await?);
    }
    let count = CLIENTS * Transport::ALL.len();
    at_most("the latest message", latest, scale.bar(BAR))?;
    let (stop, after) = (stop.as_secs(), gone_on.elapsed().as_secs());
    Ok(format!(
        "{count} clients are there {after} s after a stop of {stop} s; latest message {} ms",
        latest.as_millis()
    ))
}
