//! Works the service for a while with clients of every transport that come and go, and prints its memory.
//!
//! ```text
//! cargo run --release -p signalr-service --example soak -- target/release/signalr 600 1
//! ```
//!
//! The arguments are the `signalr` binary, seconds, and a factor for the work: how fast messages come,
//! groups are set and clients change. The number of clients stays the same. All traffic stays on this
//! machine. The exit code is 1 if a client that reads lost a message or got one out of order.

#![allow(clippy::print_stdout, reason = "a tool for people")]

mod client;
mod memory;
mod records;
mod service;
mod transport;
mod upstream;

use std::{
    error::Error,
    process::ExitCode,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use signalr_serverless::{
    GroupName, HubName, UserId,
    rest::{Hub, Message, RestClient},
};
use tokio::{
    task::JoinSet,
    time::{interval, sleep},
};

use client::{Tally, Visitor};
use memory::Samples;
use service::Service;

type Failure = Box<dyn Error + Send + Sync>;

const CLIENTS: u64 = 400;
/// All users are in it.
const GROUP: &str = "readers";
/// Broadcasts in a second, times the factor. Each tenth goes to the group as well.
const MESSAGES_PER_SECOND: f64 = 10.0;
/// Users that are put into the group in a second, times the factor.
const SETS_PER_SECOND: f64 = 50.0;
const SAMPLE_EACH: Duration = Duration::from_secs(10);
/// How many samples long the service is left alone at the end: longer than an idle HTTP connection
/// stays, and until free memory has been given back.
const LEFT_FOR: u32 = 12;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().unwrap_or_else(|| "target/release/signalr".to_owned());
    let seconds: u64 = number(arguments.next(), 600)?;
    let work: f64 = number(arguments.next(), 1.0)?;

    let upstream = upstream::start().await?;
    let (service, connection_string) = Service::start(&binary, &upstream)?;
    let hub = RestClient::new(&connection_string)?.hub(HubName::parse("soak")?);
    let tally = Arc::new(Tally::default());
    let is_over = Arc::new(AtomicBool::new(false));
    let mut visitors = JoinSet::new();
    for number in 0..CLIENTS {
        let visitor = Visitor::new(number, &connection_string, Arc::clone(&tally), work)?;
        visitors.spawn(visitor.come_and_go(Arc::clone(&is_over)));
    }
    let mut work_on_hub = JoinSet::new();
    work_on_hub.spawn(publish(hub.clone(), work));
    work_on_hub.spawn(set_groups(hub, work));

    let samples = sample(&service, &tally, Duration::from_secs(seconds), &mut work_on_hub).await?;
    is_over.store(true, Relaxed);
    while visitors.join_next().await.transpose()?.is_some() {}
    work_on_hub.shutdown().await;

    println!("{}", samples.summary());
    println!("memory: {} KiB once all have left", idle_memory(&service).await?);
    println!("{tally}");
    Ok(if tally.lost.load(Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The memory of a service that nobody uses any more, not even those who stopped reading.
async fn idle_memory(service: &Service) -> Result<u32, Failure> {
    let mut memory = service.memory()?;
    for _ in 0..LEFT_FOR {
        sleep(SAMPLE_EACH).await;
        memory = service.memory()?;
    }
    Ok(memory)
}

fn number<T: FromStr>(argument: Option<String>, default: T) -> Result<T, T::Err> {
    argument.map_or(Ok(default), |text| text.parse())
}

/// Prints the memory each 10 s until the time is over, or until the work on the hub fails.
async fn sample(
    service: &Service,
    tally: &Tally,
    time: Duration,
    work_on_hub: &mut JoinSet<Result<(), Failure>>,
) -> Result<Samples, Failure> {
    let start = Instant::now();
    let mut samples = Samples::default();
    let mut ticks = interval(SAMPLE_EACH);
    ticks.tick().await;
    while start.elapsed() < time {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(ended) = work_on_hub.join_next() => ended??,
        }
        let memory = service.memory()?;
        samples.add(start.elapsed(), memory);
        println!("{:>5} s  {memory:>7} KiB  {tally}", start.elapsed().as_secs());
    }
    Ok(samples)
}

/// Broadcasts numbers, and sends other numbers to the group.
async fn publish(hub: Hub, work: f64) -> Result<(), Failure> {
    let padding = "x".repeat(1000);
    let group = hub.group(GroupName::parse(GROUP)?);
    let of_group = AtomicU64::new(0);
    let mut ticks = interval(Duration::from_secs_f64(1.0 / (MESSAGES_PER_SECOND * work)));
    for number in 0_u64.. {
        ticks.tick().await;
        hub.broadcast(&Message::new("broadcast", &(number, &padding))?).await?;
        if number % 10 == 9 {
            let number = of_group.fetch_add(1, Relaxed);
            group.send(&Message::new("group", &(number, &padding))?).await?;
        }
    }
    Ok(())
}

/// Puts users into the group, in which they are already after the first time.
async fn set_groups(hub: Hub, work: f64) -> Result<(), Failure> {
    let group = GroupName::parse(GROUP)?;
    let mut ticks = interval(Duration::from_secs_f64(1.0 / (SETS_PER_SECOND * work)));
    for number in (0..CLIENTS).cycle() {
        ticks.tick().await;
        let user = hub.user(UserId::parse(&client::user(number))?);
        user.add_to_group(&group, None).await?;
    }
    Ok(())
}
