//! A large frame, a large body and the head of an upgrade, sent byte by byte.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::bystanders::Bystanders;
use crate::{
    Failure, Scale,
    service::Service,
    site::{From, HUB, Site},
};

/// How long all pieces of the upgrade and the frame, or of the body, may take.
const LIMIT: Duration = Duration::from_secs(60);
const HANDSHAKE: &[u8] = b"\x81\xa0\0\0\0\0{\"protocol\":\"json\",\"version\":1}";
/// How long the head may take. The service's limit is 10 s.
const HEAD_TIME: Duration = Duration::from_secs(8);

/// The service accepts each as if it had arrived in one piece.
pub(super) async fn run(binary: &str, scale: Scale) -> Result<String, Failure> {
    let service = Service::with(binary, &["--client-messages", "ignore"]).await?;
    let bystanders = Bystanders::begin(&service.site, scale).await?;
    let limit = scale.bar(LIMIT);
    let begun = Instant::now();
    timeout(limit, frame(&service.site, scale.frame)).await.map_err(|_| "the frame is late")??;
    let of_frame = begun.elapsed();
    let begun = Instant::now();
    timeout(limit, body(&service.site, scale.frame)).await.map_err(|_| "the body is late")??;
    let of_body = begun.elapsed();
    let seen = bystanders.end().await?;
    Ok(format!(
        "a frame of {} bytes in {} ms, a body in {} ms; {seen}",
        scale.frame,
        of_frame.as_millis(),
        of_body.as_millis()
    ))
}

/// Sends an upgrade as slowly as allowed, then a call in one frame of the largest size. The call
/// gets its answer.
async fn frame(site: &Site, size: usize) -> Result<(), Failure> {
    let mut socket = site.connect(From::default()).await?;
    let head = format!(
        "GET /client/?hub={HUB}&access_token={} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        site.client_token()?,
        site.host()
    );
    for byte in head.as_bytes() {
        socket.write_all(&[*byte]).await?;
        sleep(HEAD_TIME / u32::try_from(head.len())?).await;
    }
    until(&mut socket, b"\r\n\r\n").await?;
    pieces(&mut socket, &[HANDSHAKE, b"\x1e"].concat()).await?;
    until(&mut socket, b"{}\x1e").await?;
    let call = |filling: &str| {
        format!(
            "{{\"type\":1,\"invocationId\":\"1\",\"target\":\"t\",\"arguments\":[\"{filling}\"]}}\u{1e}"
        )
    };
    let call = call(&"x".repeat(size.saturating_sub(call("").len())));
    // The mask is all zeros, so the bytes stay as they are.
    let length = u64::try_from(call.len())?.to_be_bytes();
    let frame = [b"\x81\xff", &length[..], &[0; 4], call.as_bytes()].concat();
    pieces(&mut socket, &frame).await?;
    until(&mut socket, b"was not called").await
}

/// Sends a message by REST with a body in chunks of one byte.
async fn body(site: &Site, size: usize) -> Result<(), Failure> {
    let path = format!("/api/v1/hubs/{HUB}other");
    let mut socket = site.connect(From::default()).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        site.host(),
        site.rest_token(&path)?
    );
    pieces(&mut socket, head.as_bytes()).await?;
    // A chunk of one byte takes six bytes.
    let filling = "x".repeat(size / 6);
    for byte in format!("{{\"target\":\"t\",\"arguments\":[\"{filling}\"]}}").as_bytes() {
        pieces(&mut socket, &[b"1\r\n", &[*byte][..], b"\r\n"].concat()).await?;
    }
    pieces(&mut socket, b"0\r\n\r\n").await?;
    until(&mut socket, b" 202 ").await
}

async fn pieces(socket: &mut TcpStream, bytes: &[u8]) -> Result<(), Failure> {
    for byte in bytes {
        socket.write_all(&[*byte]).await?;
    }
    Ok(())
}

/// Reads until these bytes have come.
async fn until(socket: &mut TcpStream, end: &[u8]) -> Result<(), Failure> {
    let mut came = Vec::new();
    while !came.windows(end.len()).any(|part| part == end) {
        if socket.read_buf(&mut came).await? == 0 {
            let came = String::from_utf8_lossy(&came);
            return Err(format!("the service ended the connection: {came}").into());
        }
    }
    Ok(())
}
