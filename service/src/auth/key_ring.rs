//! The access keys of the service and the keys derived from them. They may change while the service
//! runs.

use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::DecodingKey;
use signalr_serverless::{AccessKey, upstream::SignatureKeys};
use tokio::sync::watch;

use super::{checked_tokens::CheckedTokens, client_key::ClientKeys};
use crate::tokens::TokenSigner;

/// The current keys. Clones share them.
#[derive(Clone)]
pub(crate) struct KeyRing(
    // Held for short synchronous sections only.
    Arc<RwLock<Arc<Keys>>>,
);

/// Keys that belong together.
pub(crate) struct Keys {
    /// The key with which the service signs tokens.
    pub(crate) signing: AccessKey,
    /// The keys themselves.
    pub(crate) all: Vec<AccessKey>,
    /// The keys that check the signatures of tokens.
    pub(crate) decoding: Vec<DecodingKey>,
    /// The keys with which others may sign client tokens.
    pub(crate) client: ClientKeys,
    /// The signer that makes and checks the connection tokens of a cluster.
    pub(crate) connection: TokenSigner,
    /// The keys of the signatures for upstreams.
    pub(crate) upstream: SignatureKeys,
    /// The tokens that `decoding` checked.
    pub(crate) checked: CheckedTokens,
}

impl KeyRing {
    /// `None` if there is no key.
    pub(crate) fn new(keys: &[AccessKey]) -> Option<Self> {
        Some(Self(Arc::new(RwLock::new(Arc::new(Keys::of(keys)?)))))
    }

    /// The current keys.
    pub(crate) fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the keys whenever `changes` has new ones, until its sender is dropped.
    pub(crate) async fn follow(self, mut changes: watch::Receiver<Vec<AccessKey>>) {
        while changes.changed().await.is_ok() {
            let keys = Keys::of(&changes.borrow_and_update());
            // An empty list is ignored, because without a key nobody could do anything.
            if let Some(keys) = keys {
                let count = keys.all.len();
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                tracing::info!(keys = count, "the access keys changed");
            }
        }
    }
}

impl Keys {
    fn of(keys: &[AccessKey]) -> Option<Self> {
        let signing = keys.first()?.clone();
        let mut upstream = SignatureKeys::default();
        keys.iter().for_each(|key| upstream.add(key));
        Some(Self {
            all: keys.to_vec(),
            decoding: keys.iter().map(|key| DecodingKey::from_secret(key.as_bytes())).collect(),
            client: ClientKeys::new(&signing, keys),
            connection: TokenSigner::new(&signing, keys),
            upstream,
            checked: CheckedTokens::default(),
            signing,
        })
    }
}
