//! The report of the measurements, for people and for programs.

use std::{fmt, sync::atomic::Ordering::Relaxed, thread, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{
    arguments::Bench,
    senders::Sent,
    tally::{Counts, Tally},
};
use crate::failure::Failure;

/// If this command uses this share of all cores or more, it may have been the limit itself.
const BUSY: f64 = 0.9;
/// The share of messages that may be sent late.
const MOST_LATE: f64 = 0.01;

pub(super) struct Measured<'a> {
    pub(super) bench: &'a Bench,
    pub(super) tally: &'a Tally,
    pub(super) sent: Sent,
    pub(super) took: Duration,
    pub(super) own: Option<Duration>,
    pub(super) cpu: Option<Duration>,
    pub(super) memory: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    connections: u32,
    groups: u32,
    senders: u32,
    rate: u32,
    size: u32,
    messages: u64,
    expected: u64,
    delivered: u64,
    losses: u64,
    duplicates: u64,
    order_violations: u64,
    reconnects: u64,
    closed: u64,
    close_reason: Option<String>,
    seconds: f64,
    messages_per_second: f64,
    deliveries_per_second: f64,
    latency_micros: Spread,
    connect_micros: Spread,
    cpu_micros_per_delivery: Option<f64>,
    memory_bytes_per_connection: Option<f64>,
    late_messages: u64,
    /// The reasons why the measurement may show the limits of this command, not of the service.
    /// Empty if there are none.
    limits: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Spread {
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl Spread {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: histogram.max() }
    }
}

impl Report {
    pub(super) fn new(measured: Measured<'_>) -> Self {
        let Measured { bench, tally, sent, took, .. } = measured;
        let counts: Counts = tally.counts();
        let expected = tally.expected.load(Relaxed);
        let seconds = took.as_secs_f64();
        let each = |total: f64| if seconds > 0.0 { total / seconds } else { 0.0 };
        let connections = f64::from(bench.connections);
        Self {
            connections: bench.connections,
            groups: bench.groups,
            senders: bench.senders,
            rate: bench.rate,
            size: bench.size,
            messages: sent.messages,
            expected,
            delivered: counts.delivered,
            losses: expected.saturating_sub(counts.delivered),
            duplicates: counts.duplicates,
            order_violations: counts.order_violations,
            reconnects: tally.reconnects.load(Relaxed),
            closed: tally.closed.load(Relaxed),
            close_reason: counts.close_reason,
            seconds,
            messages_per_second: each(sent.messages as f64),
            deliveries_per_second: each(counts.delivered as f64),
            latency_micros: Spread::of(&counts.latency),
            connect_micros: Spread::of(&counts.connecting),
            cpu_micros_per_delivery: measured
                .cpu
                .filter(|_| counts.delivered > 0)
                .map(|cpu| cpu.as_secs_f64() * 1e6 / counts.delivered as f64),
            memory_bytes_per_connection: measured.memory.map(|memory| memory as f64 / connections),
            late_messages: sent.late,
            limits: limits(sent, measured.own, took),
        }
    }

    /// Fails if something was lost, came twice or in a wrong order, or if a connection was closed.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let Self { losses, duplicates, order_violations, closed, .. } = self;
        if losses + duplicates + order_violations + closed == 0 {
            return Ok(());
        }
        Err(Failure::Service(format!(
            "the service lost {losses} deliveries, made {duplicates} twice and {order_violations} in a wrong order, \
             and closed {closed} connections"
        )))
    }
}

fn limits(sent: Sent, own: Option<Duration>, took: Duration) -> Vec<String> {
    let mut limits = Vec::new();
    let cores = thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    let share = own.map_or(0.0, |own| own.as_secs_f64() / took.as_secs_f64().max(0.001) / cores);
    if share > BUSY {
        limits.push(format!("the load used {:.0} % of all cores", share * 100.0));
    }
    let late = sent.late.saturating_sub(sent.behind_an_answer);
    if late as f64 > sent.messages as f64 * MOST_LATE {
        limits.push(format!(
            "{late} of {} messages were sent late: the load could not keep its rate",
            sent.messages
        ));
    }
    limits
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, messages, size, .. } = self;
        writeln!(
            f,
            "load               {connections} connections, {messages} messages of {size} bytes"
        )?;
        writeln!(f, "delivered          {} of {}", self.delivered, self.expected)?;
        writeln!(f, "losses             {}", self.losses)?;
        writeln!(f, "duplicates         {}", self.duplicates)?;
        writeln!(f, "order violations   {}", self.order_violations)?;
        writeln!(f, "reconnects         {}", self.reconnects)?;
        writeln!(f, "closed             {}", self.closed)?;
        if let Some(reason) = &self.close_reason {
            writeln!(f, "first reason       {reason}")?;
        }
        let (messages, deliveries) = (self.messages_per_second, self.deliveries_per_second);
        writeln!(
            f,
            "rate               {messages:.1} messages/s, {deliveries:.0} deliveries/s, for {:.2} s",
            self.seconds
        )?;
        writeln!(f, "latency            {}", self.latency_micros)?;
        writeln!(f, "time to connect    {}", self.connect_micros)?;
        if let Some(micros) = self.cpu_micros_per_delivery {
            writeln!(
                f,
                "server's CPU       {micros:.2} µs a delivery, user + system, in ticks of 10 ms"
            )?;
        }
        if let Some(bytes) = self.memory_bytes_per_connection {
            writeln!(f, "server's memory    {:.2} KiB a connection", bytes / 1024.0)?;
        }
        writeln!(f, "sent late          {}", self.late_messages)?;
        for limit in &self.limits {
            writeln!(f, "LIMIT              {limit}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, p999, max } = self;
        write!(f, "p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}, most {max} µs")
    }
}
