//! The task of one server connection: it writes queued messages, passes answers to their calls, and
//! opens a lost connection again.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    answers::Answers,
    error::Error,
    link::{Link, Place},
};

/// How many messages are written together, at most.
const BATCH: usize = 256;
/// If the service is silent for this long, it is gone: it sends a ping every 5 seconds.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a write may take.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// The longest wait between two attempts to open a lost connection. The first attempt is at once,
/// then the waits grow. Source: Microsoft's SDK.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why the task stops serving a connection.
enum End {
    /// All senders are dropped.
    Done,
    Lost,
}

/// Runs until all senders are dropped.
pub(crate) async fn run(
    place: Arc<Place>,
    mut link: Link,
    mut messages: mpsc::Receiver<Vec<u8>>,
    answers: Arc<Answers>,
) {
    loop {
        match serve(&mut link, &mut messages, &answers).await {
            End::Done => return link.close().await,
            End::Lost => answers.lose(),
        }
        tracing::warn!(server = place.server, "the connection to the service is lost");
        link = match reopen(&place, &mut messages).await {
            Some(link) => link,
            None => return,
        };
    }
}

async fn serve(link: &mut Link, messages: &mut mpsc::Receiver<Vec<u8>>, answers: &Answers) -> End {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            came = timeout(SILENCE, link.next()) => match came {
                Ok(Ok(message)) => answers.take(message),
                Ok(Err(_)) | Err(_) => return End::Lost,
            },
            taken = messages.recv_many(&mut batch, BATCH) => {
                if taken == 0 {
                    return End::Done;
                }
                let written = timeout(WRITE_TIME, link.send_bytes(batch.concat())).await;
                batch.clear();
                if !matches!(written, Ok(Ok(()))) {
                    return End::Lost;
                }
            }
        }
    }
}

/// Opens the connection again. `None` if all senders are dropped.
async fn reopen(place: &Place, messages: &mut mpsc::Receiver<Vec<u8>>) -> Option<Link> {
    let mut wait = Duration::ZERO;
    loop {
        sleep(wait).await;
        if messages.is_closed() && messages.is_empty() {
            return None;
        }
        let error: Error = match place.open().await {
            Ok(link) => return Some(link),
            Err(error) => error,
        };
        tracing::warn!(%error, "the connection to the service is not there again yet");
        wait = wait.saturating_mul(2).clamp(Duration::from_secs(1), LONGEST_WAIT);
    }
}
