//! Clients that connect and leave, many in each second.

use std::time::{Duration, Instant};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{bar::at_most, bystanders::Bystanders};
use crate::{
    Failure, Scale,
    client::{Client, Transport},
    service::Service,
    site::{From, Site},
};

/// How many visits may run at the same time. A slower machine makes fewer visits.
const AT_ONCE: usize = 500;
/// How much more memory, in KiB, the service may hold at the end than after a tenth of the time.
const MORE: u64 = 8 * 1024;
/// How long the service may take to notice that the last clients are gone.
const SETTLED: Duration = Duration::from_secs(3);

/// All clients connect and leave, and nothing of them stays. Half of them leave as stock clients
/// do, half of them without a goodbye.
pub(super) async fn run(
    binary: &str,
    scale: Scale,
    transport: Transport,
) -> Result<String, Failure> {
    let service = Service::with(binary, &[]).await?;
    let bystanders = Bystanders::begin(&service.site, scale).await?;
    let (rate, seconds) = scale.visits;
    let early = visits(&service.site, transport, rate, seconds.div_ceil(10)).await?;
    sleep(SETTLED).await;
    let before = service.memory()?;
    let begun = Instant::now();
    let count = visits(&service.site, transport, rate, seconds).await?;
    let took = begun.elapsed().as_secs_f64();
    let (after, seen) = (service.settled_memory(before + MORE).await?, bystanders.end().await?);
    at_most("KiB of memory", after, before + MORE)?;
    Ok(format!(
        "{} visits, {:.0} a second; {seen}; {before} KiB after {early}, {after} KiB at the end",
        count + early,
        count as f64 / took
    ))
}

/// Makes this many visits in each second. Returns how many there were.
async fn visits(
    site: &Site,
    transport: Transport,
    rate: usize,
    seconds: u64,
) -> Result<usize, Failure> {
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(rate)?);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut count, mut under_way) = (0, JoinSet::new());
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        ticks.tick().await;
        let (site, number) = (site.clone(), count);
        under_way.spawn(async move { visit(&site, transport, number).await });
        count += 1;
        while under_way.len() > AT_ONCE
            && let Some(visit) = under_way.join_next().await
        {
            visit??;
        }
        while let Some(visit) = under_way.try_join_next() {
            visit??;
        }
    }
    while let Some(visit) = under_way.join_next().await {
        visit??;
    }
    Ok(count)
}

async fn visit(site: &Site, transport: Transport, number: usize) -> Result<(), Failure> {
    let from = From { address: u8::try_from(number % 8)?, is_tight: false };
    let client = Client::connect(site, transport, from).await?;
    // The service notices a poll without a goodbye only after 15 s. Another scenario tests that.
    if number.is_multiple_of(2) || transport == Transport::Polls {
        client.leave().await?;
    }
    Ok(())
}
