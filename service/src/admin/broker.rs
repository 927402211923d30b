//! What `/metrics` says about the broker of a cluster.

use super::{samples::Samples, view::View};
use crate::cluster::Cluster;

/// Nothing without a broker.
pub(super) fn samples(view: &View) -> Vec<Samples> {
    let Cluster::Joined(joined) = &view.state.cluster else { return Vec::new() };
    let report = joined.broker().report();
    let waiting = "Commands that wait for the broker, and frames of it that wait for the shards.";
    vec![
        Samples::gauge("signalr_broker_up", "Whether frames reach the broker and come from it.")
            .with(&[], u64::from(report.is_up)),
        Samples::counter("signalr_broker_commands_total", "Commands to the broker.")
            .with(&[], report.sent),
        Samples::counter("signalr_broker_frames_total", "Frames that came from the broker.")
            .with(&[], report.received),
        Samples::counter("signalr_broker_bytes_total", "Bytes to the broker and from it.")
            .with(&[("direction", "sent")], report.sent_bytes)
            .with(&[("direction", "received")], report.received_bytes),
        Samples::counter(
            "signalr_broker_left_out_total",
            "Frames that came and were left out: too old, too many, or unreadable.",
        )
        .with(&[], report.left_out),
        Samples::counter("signalr_broker_questions_total", "Questions to other nodes.")
            .with(&[], report.asked),
        Samples::counter(
            "signalr_broker_unanswered_total",
            "Questions to other nodes that were not answered in time.",
        )
        .with(&[], report.unanswered),
        Samples::counter("signalr_broker_reconnects_total", "How often the broker came back.")
            .with(&[], report.reconnects),
        Samples::gauge(
            "signalr_broker_lag_seconds",
            "How long the broker took for the last sign of this node.",
        )
        .with_float(&[], report.lag.as_secs_f64()),
        Samples::gauge("signalr_broker_waiting", waiting)
            .with(&[("direction", "sent")], report.outbox.0 as u64)
            .with(&[("direction", "received")], report.inbox.0 as u64),
        Samples::gauge("signalr_broker_waiting_bytes", "Bytes of what waits.")
            .with(&[("direction", "sent")], report.outbox.1 as u64)
            .with(&[("direction", "received")], report.inbox.1 as u64),
    ]
}
