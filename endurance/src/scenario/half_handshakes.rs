//! Handshakes that begin and never end.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::timeout,
};

use super::{bar::at_most, bystanders::Bystanders};
use crate::{
    Failure, Scale,
    service::Service,
    site::{From, HUB, Site},
};

/// The time limit of a handshake is 15 s. The limit of a request head is 10 s.
const LIMIT: Duration = Duration::from_secs(15);
/// How many KiB more than before the service may hold afterwards.
const MORE: u64 = 64 * 1024;
/// How much later than its limit a handshake may end.
const LATE: Duration = Duration::from_secs(3);

/// Half of the callers send half the head of an upgrade. The others complete the upgrade and send no
/// handshake.
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
    let (peak, after) = (service.peak()?, service.settled_memory(before + MORE).await?);
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
