//! The access keys of the service and what follows from them, which may change while it runs.

use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::DecodingKey;
use signalr_serverless::{AccessKey, upstream::SignatureKeys};
use tokio::sync::watch;

use super::client_key::ClientKeys;
use crate::tokens::TokenSigner;

/// The keys of now. Clones are one and the same.
#[derive(Clone)]
pub(crate) struct KeyRing(
    // Held for short synchronous sections only.
    Arc<RwLock<Arc<Keys>>>,
);

/// Keys that belong together.
pub(crate) struct Keys {
    /// What the service signs tokens with.
    pub(crate) signing: AccessKey,
    /// What tokens may be signed with.
    pub(crate) decoding: Vec<DecodingKey>,
    /// What others may sign client tokens with.
    pub(crate) client: ClientKeys,
    /// What makes and checks the connection tokens of a cluster.
    pub(crate) connection: TokenSigner,
    /// What upstreams know the service by.
    pub(crate) upstream: SignatureKeys,
}

impl KeyRing {
    /// `None` if there is no key.
    pub(crate) fn new(keys: &[AccessKey]) -> Option<Self> {
        Some(Self(Arc::new(RwLock::new(Arc::new(Keys::of(keys)?)))))
    }

    /// The keys of now.
    pub(crate) fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes other keys whenever they come, for as long as they may.
    pub(crate) async fn follow(self, mut changes: watch::Receiver<Vec<AccessKey>>) {
        while changes.changed().await.is_ok() {
            let keys = Keys::of(&changes.borrow_and_update());
            // Without a key nobody could do anything, so none is no change.
            if let Some(keys) = keys {
                tracing::info!(keys = keys.decoding.len(), "the access keys changed");
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
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
            decoding: keys.iter().map(|key| DecodingKey::from_secret(key.as_bytes())).collect(),
            client: ClientKeys::new(&signing, keys),
            connection: TokenSigner::new(&signing, keys),
            upstream,
            signing,
        })
    }
}
