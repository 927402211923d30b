//! The data that a node reports about itself.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::connection_mark::ConnectionMark;
use crate::counters::Counters;

/// The data that a node reports about itself.
#[derive(Debug)]
pub(crate) struct About {
    /// The address on which it listens.
    address: String,
    started: u64,
    counters: Arc<Counters>,
}

impl About {
    pub(crate) fn new(address: String, counters: Arc<Counters>) -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { address, started, counters }
    }

    /// Names and values in turn. `connection` is the connection that receives frames. `lag` is the
    /// time that the broker took for the last beat.
    pub(super) fn fields(
        &self,
        connection: &ConnectionMark,
        lag: Duration,
        left_out: u64,
    ) -> [String; 16] {
        [
            "version".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
            "started".to_owned(),
            self.started.to_string(),
            "address".to_owned(),
            self.address.clone(),
            "connections".to_owned(),
            self.counters.connections().to_string(),
            "lag".to_owned(),
            lag.as_micros().to_string(),
            "left_out".to_owned(),
            left_out.to_string(),
            "subscriber".to_owned(),
            connection.number.map_or(String::new(), |number| number.to_string()),
            "run".to_owned(),
            connection.run.clone(),
        ]
    }
}
