//! Very slow callers: on every path that reads, they send a part of something and then nothing more.

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

/// How much later than its limit the service may end a connection.
const LATE: Duration = Duration::from_secs(5);
const HEAD: u64 = 10;
const BODY: u64 = 30;
const HANDSHAKE: u64 = 15;

/// The service ends each connection at the limit for its part.
pub(super) async fn run(binary: &str, scale: Scale) -> Result<String, Failure> {
    let service = Service::with(binary, &[]).await?;
    let bystanders = Bystanders::begin(&service.site, scale).await?;
    let parts = parts(&service.site)?;
    let kinds = parts.len();
    let mut callers = JoinSet::new();
    for (what, sent, limit) in parts {
        for number in 0..scale.callers {
            let (site, sent) = (service.site.clone(), sent.clone());
            let from = From { address: u8::try_from(number % 8)?, is_tight: false };
            callers.spawn(async move {
                let limit = scale.bar(Duration::from_secs(limit) + LATE);
                let ended = end(&site, from, &sent, limit).await;
                ended.map_err(|error| Failure::from(format!("{what}: {error}")))
            });
        }
    }
    let count = callers.len();
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    let seen = bystanders.end().await?;
    Ok(format!("{count} callers with {kinds} kinds of parts were ended; {seen}"))
}

/// A part: its name, the bytes that are sent, and the limit in seconds after which the service ends
/// the connection.
type Part = (&'static str, Vec<u8>, u64);

fn parts(site: &Site) -> Result<Vec<Part>, Failure> {
    let host = site.host();
    let path = format!("/api/v1/hubs/{HUB}");
    let (rest, client) = (site.rest_token(&path)?, site.client_token()?);
    let negotiate = format!("/client/negotiate?hub={HUB}&negotiateVersion=1");
    let post = |path: &str, token: &str, rest: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{rest}"
        )
    };
    let upgrade = format!(
        "GET /client/?hub={HUB}&access_token={client} HTTP/1.1\r\nHost: {host}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let behind = |bytes: &[u8]| [upgrade.as_bytes(), bytes].concat();
    Ok(vec![
        ("half a method", b"PO".to_vec(), HEAD),
        ("half a head", post(&path, &rest, "Content-Le").into(), HEAD),
        ("half a body", post(&path, &rest, "Content-Length: 100\r\n\r\n{\"tar").into(), BODY),
        (
            "half a chunk",
            post(&path, &rest, "Transfer-Encoding: chunked\r\n\r\n40\r\n{\"t").into(),
            BODY,
        ),
        ("no chunk", post(&path, &rest, "Transfer-Encoding: chunked\r\n\r\n4").into(), BODY),
        ("half a negotiation", post(&negotiate, &client, "Content-").into(), HEAD),
        ("an upgrade alone", behind(b""), HANDSHAKE),
        ("half the head of a frame", behind(b"\x81"), HANDSHAKE),
        ("half a frame", behind(b"\x81\xff\0\0\0\0\0\x01\0\0\0\0\0\0{"), HANDSHAKE),
        ("half a message", behind(b"\x01\x81\0\0\0\0{"), HANDSHAKE),
    ])
}

async fn end(site: &Site, from: From, sent: &[u8], limit: Duration) -> Result<(), Failure> {
    let mut socket = site.connect(from).await?;
    let begun = Instant::now();
    socket.write_all(sent).await?;
    let mut came = Vec::new();
    // Some ends are resets.
    let _ = timeout(limit, socket.read_to_end(&mut came)).await.map_err(|_| "it is not ended")?;
    at_most("its end", begun.elapsed(), limit)
}
