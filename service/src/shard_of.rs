//! Which shard a connection belongs to.

use std::{
    hash::{BuildHasher, RandomState},
    num::NonZeroUsize,
};

use signalr_serverless::ConnectionId;

/// Tells the shard that owns a connection: its id alone decides, so that work for one connection
/// concerns one shard. Clones give the same answers.
#[derive(Clone, Debug)]
pub(crate) struct ShardOf {
    shards: NonZeroUsize,
    hasher: RandomState,
}

impl ShardOf {
    pub(crate) fn new(shards: NonZeroUsize) -> Self {
        Self { shards, hasher: RandomState::new() }
    }

    /// How many shards there are.
    pub(crate) fn shards(&self) -> usize {
        self.shards.get()
    }

    /// The number of the shard, less than there are.
    pub(crate) fn connection(&self, id: &ConnectionId) -> usize {
        let shards = self.shards.get() as u64;
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of shards")]
        let shard = (self.hasher.hash_one(id) % shards) as usize;
        shard
    }
}
