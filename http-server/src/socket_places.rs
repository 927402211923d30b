//! The limits on connections, and the place of each connection.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[cfg(feature = "addresses")]
use hyper::HeaderMap;
#[cfg(feature = "addresses")]
use ipnet::IpNet;

#[cfg(feature = "addresses")]
use crate::addresses::{Addresses, Counted, TooManyOfAddress};
#[cfg(not(feature = "addresses"))]
use crate::no_addresses::{Addresses, Counted};

/// The limits on connections.
///
/// ```
/// use signalr_http_server::{SocketLimits, SocketPlaces};
///
/// let places = SocketPlaces::new(SocketLimits { connections: 1000, ..SocketLimits::default() });
/// assert_eq!(places.counts().open, 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "built with `..SocketLimits::default()`")]
pub struct SocketLimits {
    /// The most connections at the same time, including upgraded ones. 100,000 by default.
    pub connections: usize,
    /// How many of these places are reserved. A connection in a reserved place may send one short
    /// request. [`SocketPlace::is_reserved`] reports this to the service, which then serves operators and
    /// no clients. 64 by default.
    pub reserved: usize,
    /// The most connections at the same time from one address. For IPv6, from one network of 64 bits.
    /// No limit by default.
    #[cfg(feature = "addresses")]
    pub per_address: Option<usize>,
    /// The proxies whose connections are not counted by their own address. The address in
    /// `X-Forwarded-For` counts instead, for as long as the service keeps the value that
    /// [`SocketPlace::count`] returns. Empty by default.
    #[cfg(feature = "addresses")]
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            connections: 100_000,
            reserved: 64,
            #[cfg(feature = "addresses")]
            per_address: None,
            #[cfg(feature = "addresses")]
            trusted_proxies: Vec::new(),
        }
    }
}

/// Counts of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketCounts {
    /// Connections that are open now.
    pub open: usize,
    /// Connections that were refused because there were too many.
    pub refused: u64,
    /// Connections and callers that were refused because there were too many from their address.
    pub refused_of_address: u64,
    /// Connections that were cut off because their callers accepted no bytes of their answers.
    pub cut_off: u64,
}

/// The places for connections. Servers of one process may share them.
#[derive(Debug, Default)]
pub struct SocketPlaces {
    limits: SocketLimits,
    pub(crate) addresses: Arc<Addresses>,
    // Held for short synchronous sections only.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    counts: SocketCounts,
    /// How many of the open connections have a reserved place.
    reserved: usize,
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPlace {
    /// The limit on all connections is reached.
    #[error("there are too many connections now")]
    InAll,
    /// The limit on connections from this address is reached.
    #[error("there are too many connections from this address")]
    OfAddress,
}

/// The place of one connection. It is free again when this value is dropped. Each request has it in
/// its extensions, and an upgraded socket has it too.
#[derive(Debug)]
pub struct SocketPlace {
    places: Arc<SocketPlaces>,
    peer: IpAddr,
    is_reserved: bool,
    _counted: Option<Counted>,
}

impl SocketPlaces {
    /// New places. All of them are free.
    #[must_use]
    pub fn new(limits: SocketLimits) -> Arc<Self> {
        #[cfg(feature = "addresses")]
        let addresses = Addresses::new(limits.per_address, limits.trusted_proxies.clone());
        #[cfg(not(feature = "addresses"))]
        let addresses = Arc::<Addresses>::default();
        Arc::new(Self { limits, addresses, table: Mutex::default() })
    }

    /// The limits of these places.
    #[must_use]
    pub fn limits(&self) -> &SocketLimits {
        &self.limits
    }

    /// The counts of connections until now.
    #[must_use]
    pub fn counts(&self) -> SocketCounts {
        let counts = self.lock().counts;
        SocketCounts { refused_of_address: self.addresses.refused(), ..counts }
    }

    /// A place for a connection with this peer.
    ///
    /// # Errors
    ///
    /// [`NoPlace`] if there are too many connections.
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Result<SocketPlace, NoPlace> {
        let counted = self.addresses.count_peer(peer).map_err(|_| NoPlace::OfAddress)?;
        let mut table = self.lock();
        let in_use = table.counts.open.saturating_sub(table.reserved);
        let is_reserved = in_use >= self.limits.connections.saturating_sub(self.limits.reserved);
        if is_reserved && table.counts.open >= self.limits.connections {
            table.counts.refused += 1;
            return Err(NoPlace::InAll);
        }
        table.counts.open += 1;
        table.reserved += usize::from(is_reserved);
        Ok(SocketPlace { places: Arc::clone(self), peer, is_reserved, _counted: counted })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SocketPlace {
    /// Whether this place is reserved, so that it is not for clients. Reserved places are taken when
    /// all others are in use.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.is_reserved
    }

    /// The address of the peer, which may be a proxy.
    #[must_use]
    pub fn peer(&self) -> IpAddr {
        self.peer
    }

    pub(crate) fn count_cut_off(&self) {
        self.places.lock().counts.cut_off += 1;
    }
}

#[cfg(feature = "addresses")]
impl SocketPlace {
    /// The address of the caller, if the peer is a trusted proxy and names a caller.
    #[must_use]
    pub fn forwarded_caller(&self, headers: &HeaderMap) -> Option<IpAddr> {
        self.places.addresses.forwarded_caller(self.peer, headers)
    }

    /// Counts one more connection of a caller behind a proxy, until the returned value is dropped.
    /// Returns `None` if there is no limit.
    ///
    /// # Errors
    ///
    /// [`TooManyOfAddress`] if the caller's address has as many connections as it may have.
    pub fn count(&self, caller: IpAddr) -> Result<Option<Counted>, TooManyOfAddress> {
        self.places.addresses.count(caller)
    }
}

impl Drop for SocketPlace {
    fn drop(&mut self) {
        let mut table = self.places.lock();
        table.counts.open = table.counts.open.saturating_sub(1);
        table.reserved = table.reserved.saturating_sub(usize::from(self.is_reserved));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[cfg_attr(
        not(feature = "addresses"),
        expect(clippy::needless_update, reason = "there are more fields with the feature")
    )]
    #[test]
    fn the_last_places_are_kept_back_and_every_place_comes_back() {
        let limits = SocketLimits { connections: 5, reserved: 2, ..SocketLimits::default() };
        let places = SocketPlaces::new(limits);
        let peer = address("192.0.2.1");
        for _ in 0..3 {
            let mut taken: Vec<_> = (0..5).map(|_| places.take(peer).unwrap()).collect();
            let reserved: Vec<_> = taken.iter().map(SocketPlace::is_reserved).collect();
            assert_eq!(reserved, [false, false, false, true, true]);
            assert_eq!(places.take(peer).unwrap_err(), NoPlace::InAll);
            // There is room for one more client, while the reserved places are still in use.
            taken.remove(0);
            assert!(!places.take(peer).unwrap().is_reserved());
        }
        assert_eq!(places.counts(), SocketCounts { refused: 3, ..SocketCounts::default() });
    }
}
