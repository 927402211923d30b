//! What nodes of a cluster and their broker cost without HTTP and without clients, for
//! `make bench-cluster`. Each command prints one JSON object.
//!
//! ```text
//! commands one-way BROKER PID SIZE COUNT NODES   sends to users of other nodes, as fast as those take it
//! commands hold BROKER USERS                     subscribes so many users' channels, until its input ends
//! commands visits BROKER PID COUNT             subscribes and gives up channels, 1,000 times a second
//! commands absent BROKER COUNT                   asks for users who are nowhere, one after the other
//! commands add BROKER COUNT IN_FLIGHT            puts users into a group
//! ```
//!
//! `BROKER` is a URL, and `PID` the process of the broker.

#![allow(clippy::print_stdout, reason = "a tool of the bench")]

mod one_way;
mod process;
mod questions;
mod visits;

use std::{io::Read, time::Instant};

use signalr_service::measured::{Failed, Node};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failed> {
    // On a thread of the runtime, as the requests of a service are.
    tokio::spawn(run(std::env::args().skip(1).collect())).await?
}

async fn run(arguments: Vec<String>) -> Result<(), Failed> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["one-way", broker, pid, size, count, nodes] => {
            let plan = one_way::Plan {
                broker,
                broker_process: pid.parse()?,
                size: size.parse()?,
                count: count.parse()?,
                nodes: nodes.parse()?,
            };
            println!("{}", one_way::run(&plan).await?);
        }
        ["receive", broker] => one_way::receive(broker).await?,
        ["hold", broker, users] => hold(broker, users.parse()?).await?,
        ["visits", broker, pid, count] => {
            println!("{}", visits::visits(broker, pid, count.parse()?).await?);
        }
        ["absent", broker, count] => {
            println!("{}", questions::absent(broker, count.parse()?).await?);
        }
        ["add", broker, count, in_flight] => {
            println!("{}", questions::add(broker, count.parse()?, in_flight.parse()?).await?);
        }
        _ => return Err("the arguments are those of the comment in main.rs".into()),
    }
    Ok(())
}

async fn hold(broker: &str, users: usize) -> Result<(), Failed> {
    let node = Node::start(broker).await?;
    let (memory, cpu) = (process::memory("self")?, process::cpu("self")?);
    let begin = Instant::now();
    node.hold(0..users).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let report = serde_json::json!({
        "users": users,
        "seconds": seconds,
        "memory_bytes": process::memory("self")?.saturating_sub(memory),
        "cpu_seconds": process::cpu("self")? - cpu,
    });
    println!("{report}");
    // The caller looks at the broker meanwhile.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
