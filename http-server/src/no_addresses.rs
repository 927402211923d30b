//! The same interface as `addresses` without that feature. It counts nothing.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

#[derive(Debug, Default)]
pub(crate) struct Addresses;

#[derive(Debug)]
pub(crate) enum Counted {}

impl Addresses {
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn refused(&self) -> u64 {
        0
    }

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn count_peer(self: &Arc<Self>, _: IpAddr) -> Result<Option<Counted>, Infallible> {
        Ok(None)
    }
}
