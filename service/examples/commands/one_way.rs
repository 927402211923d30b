//! Commands one way: this process publishes, and processes of its own take them.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, value::RawValue};
use signalr_service::measured::{Failed, Node};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Notify,
    time::{interval, timeout},
};

use crate::process;

/// Users who get the commands in turn.
const USERS: usize = 1_000;
/// How many commands may be on their way. Fewer than a node lets wait, so that none is refused.
const WINDOW: u64 = 4_000;
/// If nothing more comes for so long, the rest is lost.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a receiver says how far it is.
const SIGNS: Duration = Duration::from_millis(1);

pub(crate) struct Plan<'a> {
    pub(crate) broker: &'a str,
    pub(crate) broker_process: u32,
    pub(crate) size: usize,
    pub(crate) count: u64,
    pub(crate) nodes: usize,
}

/// A process that takes commands.
struct Receiver {
    child: Child,
    id: String,
    taken: Arc<AtomicU64>,
    /// The number of commands that it had taken before the first one of this run.
    base: u64,
}

/// Says on standard output how many frames were taken.
pub(crate) async fn receive(broker: &str) -> Result<(), Failed> {
    let node = Node::start(broker).await?;
    node.hold(0..USERS).await?;
    let mut signs = interval(SIGNS);
    let mut last = None;
    loop {
        let taken = node.taken();
        if last.replace(taken) != Some(taken) {
            println!("{taken}");
        }
        signs.tick().await;
    }
}

pub(crate) async fn run(plan: &Plan<'_>) -> Result<Value, Failed> {
    let more = Arc::new(Notify::new());
    let mut receivers = Vec::new();
    for _ in 0..plan.nodes {
        receivers.push(Receiver::start(plan.broker, &more).await?);
    }
    let node = Node::start(plan.broker).await?;
    // The signs of a node that begins come until then.
    while timeout(PATIENCE / 10, more.notified()).await.is_ok() {}
    for receiver in &mut receivers {
        receiver.base = receiver.taken.load(Relaxed);
    }
    let arguments = RawValue::from_string(format!("[\"{}\"]", "x".repeat(plan.size)))?;
    let broker = plan.broker_process.to_string();
    let before = cpu(&broker, &receivers)?;
    let begin = Instant::now();
    let mut refused = 0_u64;
    for number in 0..plan.count {
        wait_until(&receivers, &more, (number + 1).saturating_sub(WINDOW)).await;
        let user = usize::try_from(number)? % USERS;
        while !node.send(user, &arguments).await? {
            refused += 1;
            tokio::task::yield_now().await;
        }
    }
    wait_until(&receivers, &more, plan.count).await;
    let seconds = begin.elapsed().as_secs_f64();
    let spent = cpu(&broker, &receivers)?;
    let micros = |index: usize| (spent[index] - before[index]) * 1e6 / plan.count as f64;
    let of_receivers: f64 = (2..spent.len()).map(micros).sum();
    let lost = plan.count.saturating_sub(slowest(&receivers));
    for receiver in &mut receivers {
        receiver.child.kill().await?;
    }
    Ok(serde_json::json!({
        "commands_a_second": plan.count as f64 / seconds,
        "broker_micros": micros(0),
        "publisher_micros": micros(1),
        "receiver_micros": of_receivers / plan.nodes as f64,
        "lost": lost,
        "refused": refused,
    }))
}

/// Waits until every receiver has taken so many, or nothing more comes.
async fn wait_until(receivers: &[Receiver], more: &Notify, count: u64) {
    while slowest(receivers) < count {
        if timeout(PATIENCE, more.notified()).await.is_err() {
            return;
        }
    }
}

fn slowest(receivers: &[Receiver]) -> u64 {
    let taken = receivers.iter().map(|one| one.taken.load(Relaxed).saturating_sub(one.base));
    taken.min().unwrap_or(0)
}

/// Of the broker, of this process and of each receiver.
fn cpu(broker: &str, receivers: &[Receiver]) -> Result<Vec<f64>, Failed> {
    let others = receivers.iter().map(|receiver| receiver.id.as_str());
    [broker, "self"].into_iter().chain(others).map(process::cpu).collect()
}

impl Receiver {
    /// Starts one, which has subscribed by then.
    async fn start(broker: &str, more: &Arc<Notify>) -> Result<Self, Failed> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["receive", broker])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id().ok_or("the receiver ended")?.to_string();
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let first = lines.next_line().await?.ok_or("the receiver ended")?;
        let taken = Arc::new(AtomicU64::new(first.parse()?));
        let (count, more) = (Arc::clone(&taken), Arc::clone(more));
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                count.store(line.parse().unwrap_or_default(), Relaxed);
                more.notify_one();
            }
        });
        Ok(Self { child, id, taken, base: 0 })
    }
}
