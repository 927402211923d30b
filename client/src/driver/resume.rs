//! Another transport for a connection whose transport broke, under stateful reconnect.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use super::link::End;
use crate::{
    error::ConnectError,
    transport::{Transport, place::Place},
};

/// The delay before each attempt, from the failure before it. Servers keep a connection for about
/// 30 seconds.
const DELAYS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
const TRY_LIMIT: Duration = Duration::from_secs(5);

/// Opens a new transport at the same place. Calls wait meanwhile. If the program closes the
/// connection meanwhile, fails with that end. Fails with `None` if the server forgot the connection
/// or cannot be reached.
pub(super) async fn resume(
    place: &Place,
    closes: &mut mpsc::Receiver<oneshot::Sender<()>>,
) -> Result<Transport, Option<End>> {
    tokio::select! {
        transport = try_again(place) => transport.ok_or(None),
        waiter = closes.recv() => Err(Some(End::ByClient(waiter))),
    }
}

async fn try_again(place: &Place) -> Option<Transport> {
    for delay in DELAYS {
        sleep(delay).await;
        match timeout(TRY_LIMIT, Transport::open(place)).await {
            Ok(Ok(transport)) => return Some(transport),
            // The server no longer knows the connection.
            Ok(Err(ConnectError::Refused { .. })) => return None,
            _ => {}
        }
    }
    None
}
