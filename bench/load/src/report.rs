//! The report of a load, for people and for programs.

use std::{
    fmt,
    io::{self, Write},
    time::Duration,
};

use serde::Serialize;

use crate::{
    arguments::BroadcastPlan,
    clock::Clock,
    process::{OwnTime, Source},
    processes::CpuTimes,
    tally::Tally,
};

/// If the load uses more than this share of a core, it may have been the limit.
const BUSY: f64 = 0.9;
/// The share of the time that the load may wait for a core.
const WAITING: f64 = 0.2;
/// The share of messages that may be sent late.
const LATE: f64 = 0.01;

/// The measured values of a broadcast.
pub(crate) struct Measured<'a> {
    pub(crate) plan: &'a BroadcastPlan,
    pub(crate) sent: u64,
    pub(crate) tally: Tally,
    /// How many clients get each message.
    pub(crate) recipients: u64,
    pub(crate) connecting: Duration,
    pub(crate) clock: Clock,
    pub(crate) own_time: OwnTime,
    pub(crate) cpu_of_connecting: Option<CpuTimes>,
    pub(crate) cpu: Option<CpuTimes>,
    /// The memory that the connections added to each process of the server, in bytes.
    pub(crate) memory: Vec<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BroadcastReport {
    connections: u64,
    messages: u64,
    text_bytes: u64,
    expected: u64,
    delivered: u64,
    losses: u64,
    duplicates: u64,
    order_violations: u64,
    damaged: u64,
    closed: u64,
    close_reason: Option<String>,
    connecting_seconds: f64,
    seconds: f64,
    deliveries_per_second: f64,
    latency_micros: Latency,
    server: Option<ServerCost>,
    load_cpu_share: f64,
    load_waiting_share: f64,
    /// Why the load or the machine may have been the limit. Empty if it was not.
    limits: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

#[derive(Debug, Serialize)]
struct ServerCost {
    cpu_source: Source,
    cpu_seconds: f64,
    cpu_micros_per_delivery: Option<f64>,
    cpu_micros_per_connection: f64,
    memory_bytes_per_connection: f64,
    processes: Vec<ProcessCost>,
}

/// The part of one process, in the order of the flags that name them.
#[derive(Debug, Serialize)]
struct ProcessCost {
    cpu_seconds: f64,
    cpu_micros_per_connection: f64,
    memory_bytes: u64,
}

impl BroadcastReport {
    pub(crate) fn new(measured: Measured<'_>) -> Self {
        let Measured { plan, sent, ref tally, connecting, clock, own_time, .. } = measured;
        let connections = plan.connections as u64;
        let expected = sent * measured.recipients;
        let seconds = clock.progress.saturating_duration_since(clock.started).as_secs_f64();
        let share = |time: Duration| ratio(time.as_secs_f64(), seconds);
        let quantile = |quantile| tally.latency.value_at_quantile(quantile);
        Self {
            connections,
            messages: sent,
            text_bytes: plan.size as u64,
            expected,
            delivered: tally.delivered,
            losses: expected.saturating_sub(tally.delivered),
            duplicates: tally.duplicates,
            order_violations: tally.order_violations,
            damaged: tally.damaged,
            closed: tally.closed,
            close_reason: tally.close_reason.clone(),
            connecting_seconds: connecting.as_secs_f64(),
            seconds,
            deliveries_per_second: ratio(tally.delivered as f64, seconds),
            latency_micros: Latency {
                p50: quantile(0.5),
                p90: quantile(0.9),
                p99: quantile(0.99),
                p999: quantile(0.999),
                max: tally.latency.max(),
            },
            server: measured.server_cost(),
            load_cpu_share: share(own_time.running),
            load_waiting_share: share(own_time.waiting),
            limits: limits(sent, clock, share(own_time.running), share(own_time.waiting)),
        }
    }

    /// Whether each message came once and in order on each connection, and no connection was closed.
    pub(crate) fn is_clean(&self) -> bool {
        let faults =
            [self.losses, self.duplicates, self.order_violations, self.damaged, self.closed];
        faults.iter().all(|count| *count == 0)
    }
}

impl Measured<'_> {
    fn server_cost(&self) -> Option<ServerCost> {
        let (cpu, of_connecting) = self.cpu.as_ref().zip(self.cpu_of_connecting.as_ref())?;
        let connections = self.plan.connections as f64;
        let delivered = self.tally.delivered;
        let seconds = cpu.sum().as_secs_f64();
        let each = cpu.each().zip(of_connecting.each()).zip(&self.memory);
        let processes = each.map(|((spent, of_connecting), memory)| ProcessCost {
            cpu_seconds: spent.as_secs_f64(),
            cpu_micros_per_connection: of_connecting.as_secs_f64() * 1e6 / connections,
            memory_bytes: *memory,
        });
        Some(ServerCost {
            cpu_source: cpu.source(),
            cpu_seconds: seconds,
            cpu_micros_per_delivery: (delivered > 0).then(|| seconds * 1e6 / delivered as f64),
            cpu_micros_per_connection: of_connecting.sum().as_secs_f64() * 1e6 / connections,
            memory_bytes_per_connection: self.memory.iter().sum::<u64>() as f64 / connections,
            processes: processes.collect(),
        })
    }
}

fn limits(sent: u64, clock: Clock, running: f64, waiting: f64) -> Vec<String> {
    let mut limits = Vec::new();
    if running > BUSY {
        limits.push(format!("the load used {:.0} % of a core", running * 100.0));
    }
    if waiting > WAITING {
        let share = waiting * 100.0;
        limits
            .push(format!("the load waited for a core {share:.0} % of the time, so it read late"));
    }
    if clock.sent_late as f64 > sent as f64 * LATE {
        let late = clock.sent_late;
        limits.push(if clock.server_was_late {
            format!("{late} of {sent} messages were sent late: the server did not answer in time")
        } else {
            format!("{late} of {sent} messages were sent late: the load could not keep its pace")
        });
    }
    limits
}

impl fmt::Display for BroadcastReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, messages, text_bytes, .. } = self;
        writeln!(
            f,
            "load               {connections} connections, {messages} messages of {text_bytes} bytes"
        )?;
        writeln!(f, "connecting         {:.2} s", self.connecting_seconds)?;
        writeln!(f, "delivered          {} of {}", self.delivered, self.expected)?;
        writeln!(f, "losses             {}", self.losses)?;
        writeln!(f, "order violations   {}", self.order_violations)?;
        writeln!(f, "duplicates         {}", self.duplicates)?;
        writeln!(f, "damaged            {}", self.damaged)?;
        writeln!(f, "closed             {}", self.closed)?;
        if let Some(reason) = &self.close_reason {
            writeln!(f, "first reason       {reason}")?;
        }
        let (seconds, rate) = (self.seconds, self.deliveries_per_second);
        writeln!(f, "delivering         {seconds:.2} s, {rate:.0} a second")?;
        let Latency { p50, p90, p99, p999, max } = &self.latency_micros;
        writeln!(
            f,
            "latency            p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}, most {max} µs"
        )?;
        if let Some(cost) = &self.server {
            write!(f, "{cost}")?;
        }
        let (running, waiting) = (self.load_cpu_share * 100.0, self.load_waiting_share * 100.0);
        writeln!(f, "load itself        {running:.0} % of a core, {waiting:.0} % waiting for one")?;
        for limit in &self.limits {
            writeln!(f, "LIMIT              {limit}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ServerCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = self.cpu_micros_per_connection;
        let source = match self.cpu_source {
            Source::Threads => "by thread, to the nanosecond",
            Source::Ticks => "in ticks of 10 ms",
        };
        writeln!(f, "server's CPU       {:.3} s, user + system, {source}", self.cpu_seconds)?;
        if let Some(micros) = self.cpu_micros_per_delivery {
            writeln!(f, "  per delivery     {micros:.3} µs")?;
        }
        writeln!(f, "  per connection   {made:.1} µs to make it")?;
        let memory = self.memory_bytes_per_connection / 1024.0;
        writeln!(f, "server's memory    {memory:.2} KiB per idle connection")
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct OneByOneReport {
    what: &'static str,
    count: u64,
    seconds: f64,
    cpu_source: Option<Source>,
    cpu_micros_each: Option<f64>,
    /// The parts of the processes in it.
    cpu_micros_of_processes: Vec<f64>,
}

impl OneByOneReport {
    pub(crate) fn new(
        what: &'static str,
        count: u64,
        took: Duration,
        cpu: Option<&CpuTimes>,
    ) -> Self {
        Self {
            what,
            count,
            seconds: took.as_secs_f64(),
            cpu_source: cpu.map(CpuTimes::source),
            cpu_micros_each: cpu.map(|cpu| cpu.sum().as_secs_f64() * 1e6 / count as f64),
            cpu_micros_of_processes: of_each(cpu, count),
        }
    }
}

impl fmt::Display for OneByOneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<19}{} in {:.2} s", self.what, self.count, self.seconds)?;
        if let Some(micros) = self.cpu_micros_each {
            writeln!(f, "server's CPU       {micros:.1} µs each, user + system")?;
        }
        Ok(())
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct CallsReport {
    count: u64,
    seconds: f64,
    calls_per_second: f64,
    cpu_source: Option<Source>,
    cpu_micros_each: Option<f64>,
    /// The parts of the processes in it.
    cpu_micros_of_processes: Vec<f64>,
    /// By the end.
    most_memory_bytes: Option<u64>,
}

impl CallsReport {
    pub(crate) fn new(
        count: u64,
        took: Duration,
        cpu: Option<&CpuTimes>,
        most_memory_bytes: Option<u64>,
    ) -> Self {
        Self {
            count,
            seconds: took.as_secs_f64(),
            calls_per_second: ratio(count as f64, took.as_secs_f64()),
            cpu_source: cpu.map(CpuTimes::source),
            cpu_micros_each: cpu.map(|cpu| cpu.sum().as_secs_f64() * 1e6 / count as f64),
            cpu_micros_of_processes: of_each(cpu, count),
            most_memory_bytes,
        }
    }
}

impl fmt::Display for CallsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, seconds, calls_per_second, .. } = self;
        writeln!(
            f,
            "calls              {count} in {seconds:.2} s, {calls_per_second:.0} a second"
        )?;
        if let Some(micros) = self.cpu_micros_each {
            writeln!(f, "server's CPU       {micros:.1} µs each, user + system")?;
        }
        if let Some(bytes) = self.most_memory_bytes {
            let mebibytes = bytes as f64 / 1024.0 / 1024.0;
            writeln!(f, "server's memory    {mebibytes:.1} MiB at most")?;
        }
        Ok(())
    }
}

fn of_each(cpu: Option<&CpuTimes>, count: u64) -> Vec<f64> {
    let each = cpu.into_iter().flat_map(CpuTimes::each);
    each.map(|spent| spent.as_secs_f64() * 1e6 / count as f64).collect()
}

/// 0 if there was nothing to divide by.
fn ratio(one: f64, other: f64) -> f64 {
    if other > 0.0 { one / other } else { 0.0 }
}

pub(crate) fn print<T: Serialize + fmt::Display>(report: &T, as_json: bool) {
    let mut out = io::stdout().lock();
    // If standard output is closed, nobody can read the report.
    let _ = if as_json {
        #[expect(clippy::expect_used, reason = "a report has text keys and finite numbers only")]
        let json = serde_json::to_string(report).expect("a report is JSON");
        writeln!(out, "{json}")
    } else {
        write!(out, "{report}")
    };
}
