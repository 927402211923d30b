//! Connections that get no place. They get an answer, and their request is not read.

use std::{future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use crate::{linger::Linger, socket_places::NoPlace, stream::Security};

/// How many refused connections are answered at the same time. Further connections are closed
/// without an answer.
const AT_ONCE: usize = 64;
/// How long a caller has for its TLS handshake, to read the answer and to close the connection.
const TIME: Duration = Duration::from_secs(2);
/// The shortest time between two lines of the log about refused connections.
const LOG_PAUSE: Duration = Duration::from_secs(1);

const IN_ALL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n\
    content-type: text/plain\r\ncontent-length: 34\r\n\r\nthere are too many connections now";
const OF_ADDRESS: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 5\r\n\
    content-type: text/plain\r\ncontent-length: 48\r\n\r\nthere are too many connections from this address";

/// Refuses connections, up to a number at the same time.
#[derive(Debug)]
pub(crate) struct Refusals {
    places: Arc<Semaphore>,
    last_logged: Option<Instant>,
}

impl Refusals {
    pub(crate) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), last_logged: None }
    }

    /// The refusal of one connection. `None` if there are too many at the same time.
    pub(crate) fn begin(&mut self, reason: NoPlace) -> Option<Refusal> {
        self.log(reason);
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Refusal { reason, _place: place })
    }

    fn log(&mut self, reason: NoPlace) {
        let now = Instant::now();
        if self.last_logged.is_none_or(|last| now.duration_since(last) >= LOG_PAUSE) {
            self.last_logged = Some(now);
            match reason {
                NoPlace::InAll => tracing::warn!("connections are refused: there are too many"),
                NoPlace::OfAddress => {
                    tracing::warn!("connections are refused: there are too many from one address");
                }
            }
        }
    }
}

/// The refusal of one connection.
#[derive(Debug)]
pub(crate) struct Refusal {
    reason: NoPlace,
    _place: OwnedSemaphorePermit,
}

impl Refusal {
    /// Answers without reading the request, and ends the connection. On a port with TLS the answer
    /// has TLS too.
    pub(crate) async fn answer(self, socket: TcpStream, security: &Security) {
        let answered = timeout(TIME, async {
            let mut stream = security.secure(socket).await?;
            stream.write_all(text(self.reason)).await?;
            stream.flush().await?;
            let mut linger = Linger::begin();
            poll_fn(|cx| linger.poll(Pin::new(&mut stream), cx)).await
        });
        // A caller that is gone or too slow does not get the answer.
        let _ = answered.await;
    }
}

fn text(reason: NoPlace) -> &'static [u8] {
    match reason {
        NoPlace::InAll => IN_ALL,
        NoPlace::OfAddress => OF_ADDRESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_length_that_it_says() {
        for answer in [IN_ALL, OF_ADDRESS] {
            let answer = String::from_utf8_lossy(answer);
            let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
            assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
        }
    }
}
