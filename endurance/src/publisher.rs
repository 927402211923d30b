//! Numbers that every client should get.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use http::StatusCode;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    Failure,
    http::Http,
    site::{From, HUB, Site},
};

/// Sends the numbers to all clients of the hub, `each` apart. Each message also has the time since
/// `start` and `bytes` further bytes.
pub(crate) async fn publish(
    site: &Site,
    numbers: Range<u64>,
    each: Duration,
    bytes: usize,
    start: Instant,
) -> Result<(), Failure> {
    let path = format!("/api/v1/hubs/{HUB}");
    let (token, padding) = (site.rest_token(&path)?, "x".repeat(bytes));
    let mut http = Http::open(site, From::default()).await?;
    let mut ticks = interval(each);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in numbers {
        ticks.tick().await;
        let at = start.elapsed().as_micros();
        let body = format!("{{\"target\":\"m\",\"arguments\":[{number},{at},\"{padding}\"]}}");
        let (status, text) = http.call(site, "POST", &path, &token, body.into()).await?;
        if status != StatusCode::ACCEPTED {
            let text = String::from_utf8_lossy(&text);
            return Err(format!("message {number} got {status}: {text}").into());
        }
    }
    Ok(())
}
