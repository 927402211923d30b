//! Memory that is free goes back to the system.

use std::time::Duration;

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

/// Often enough that a busy minute does not show for long, and seldom enough to cost nothing.
const EACH: Duration = Duration::from_secs(30);

/// Gives free memory back for ever. The allocator keeps it if nobody does: a service that thousands
/// of clients have left would stay as large as it was with them.
pub(crate) async fn give_back() {
    let mut ticks = interval(EACH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // It ends only if the runtime does.
        let _ = spawn_blocking(signalr_allocator::return_free_memory).await;
    }
}
