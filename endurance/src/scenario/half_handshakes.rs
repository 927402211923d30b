//! Handshakes that are begun and not ended.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{bar::at_most, bystanders::Bystanders};
use crate::{
    Failure, Scale,
    service::Service,
    site::{From, HUB, Site},
};

/// The handshake's time limit is 15 s, that of a head 10 s.
const LIMIT: Duration = Duration::from_secs(15);
/// How long the service has to give back memory, and how much more it may have then than before.
const SETTLED: Duration = Duration::from_secs(3);
const MORE: u64 = 64 * 1024;
/// How much later its end may be.
const LATE: Duration = Duration::from_secs(3);

/// Half of the callers send half the head of an upgrade; the others complete the upgrade and shake no
/// hands.
pub(super) async fn run(binary: &str, scale: Scale) -> Result<String, Failure> {
    let service = Service::with(binary, &[]).await?;
    let bystanders = Bystanders::begin(&service.site, scale).await?;
    let before = service.memory()?;
    let mut callers = JoinSet::new();
    for number in 0..scale.half_handshakes {
        let (site, address) = (service.site.clone(), u8::try_from(number % 8)?);
        callers.spawn(async move { half(&site, address, number % 2 == 0, scale).await });
        if number % 200 == 0 {
            tokio::task::yield_now().await;
        }
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    let seen = bystanders.end().await?;
    // What is free goes back to the system a little later.
    sleep(SETTLED).await;
    let (peak, after) = (service.peak()?, service.memory()?);
    at_most("KiB of memory afterwards", after, before + MORE)?;
    Ok(format!(
        "{} callers were ended; {seen}; {before} KiB before, {peak} KiB at most, {after} KiB after",
        scale.half_handshakes
    ))
}

async fn half(site: &Site, address: u8, is_cut: bool, scale: Scale) -> Result<(), Failure> {
    let token = site.client_token()?;
    let head = format!(
        "GET /client/?hub={HUB}&access_token={token} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        site.host()
    );
    let sent = if is_cut { &head[..head.len() / 2] } else { &head };
    let mut socket = site.connect(From { address, is_tight: false }).await?;
    let begun = Instant::now();
    socket.write_all(sent.as_bytes()).await?;
    let mut came = Vec::new();
    let read = socket.read_to_end(&mut came);
    let is_ended = timeout(scale.bar(LIMIT + LATE), read).await;
    // Some ends are resets.
    let _ = is_ended.map_err(|_| "a half handshake is not ended")?;
    at_most("the end of a half handshake", begun.elapsed(), scale.bar(LIMIT + LATE))
}
