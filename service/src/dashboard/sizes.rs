//! The sizes of the hubs. They are counted only on request, and then kept for a while.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use signalr_serverless::HubName;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    cluster::Cluster,
    hub::{Stopping, look::HubSize},
};

/// How long an answer is used.
const GOOD_FOR: Duration = Duration::from_secs(1);

pub(super) type HubSizes = Arc<BTreeMap<HubName, HubSize>>;

/// The last counted sizes of the hubs.
#[derive(Debug, Default)]
pub(super) struct Sizes(
    // Held while the hubs are counted, so that many viewers count only once.
    Mutex<Option<(Instant, HubSizes)>>,
);

impl Sizes {
    /// The sizes on all nodes, or only on this node while the others cannot be asked.
    pub(super) async fn get(&self, cluster: &Cluster) -> Result<HubSizes, Stopping> {
        let mut last = self.0.lock().await;
        if let Some((at, sizes)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return Ok(Arc::clone(sizes));
        }
        let sizes = match cluster.sizes().await {
            Ok(sizes) => sizes,
            Err(_) => cluster.own_sizes().await?,
        };
        let sizes = Arc::new(sizes);
        *last = Some((Instant::now(), Arc::clone(&sizes)));
        Ok(sizes)
    }
}
