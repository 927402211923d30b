//! Limits the connections from one address, also for callers behind a proxy.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyper::HeaderMap;
use ipnet::IpNet;

use crate::forwarded;

/// The connections of each address.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    limit: Option<usize>,
    trusted_proxies: Vec<IpNet>,
    // Held for short synchronous sections only.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// The number of connections of each address that has one. Empty if there is no limit.
    open: HashMap<IpAddr, usize>,
    refused: u64,
}

/// Counts as one connection of an address until it is dropped.
#[derive(Debug)]
pub struct Counted {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

/// The caller's address has as many connections as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are too many connections from this address; close some, or try again later")]
#[non_exhaustive]
pub struct TooManyOfAddress;

impl Addresses {
    pub(crate) fn new(limit: Option<usize>, trusted_proxies: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { limit, trusted_proxies, table: Mutex::default() })
    }

    /// How many connections were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Counts a connection by its peer. Returns `None` if there is no limit, or if the peer is a
    /// trusted proxy.
    pub(crate) fn count_peer(
        self: &Arc<Self>,
        peer: IpAddr,
    ) -> Result<Option<Counted>, TooManyOfAddress> {
        if forwarded::is_trusted(&self.trusted_proxies, peer) {
            return Ok(None);
        }
        self.count(peer)
    }

    /// The caller behind this peer, if the peer is a trusted proxy and names a caller.
    pub(crate) fn forwarded_caller(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let proxies = &self.trusted_proxies;
        forwarded::is_trusted(proxies, peer).then(|| forwarded::caller(proxies, headers)).flatten()
    }

    pub(crate) fn count(
        self: &Arc<Self>,
        address: IpAddr,
    ) -> Result<Option<Counted>, TooManyOfAddress> {
        let Some(limit) = self.limit else { return Ok(None) };
        let address = network(address);
        let mut table = self.lock();
        let count = table.open.get(&address).copied().unwrap_or_default();
        if count >= limit {
            table.refused += 1;
            return Err(TooManyOfAddress);
        }
        table.open.insert(address, count + 1);
        Ok(Some(Counted { addresses: Arc::clone(self), address }))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut table = self.addresses.lock();
        if let Some(count) = table.open.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                table.open.remove(&self.address);
            }
        }
    }
}

/// The part of an address that is counted. For IPv6 it is the network of 64 bits, because every
/// caller has such a network to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

    use super::*;
    use crate::socket_places::{NoPlace, SocketCounts, SocketLimits, SocketPlace, SocketPlaces};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn headers(caller: &str) -> HeaderMap {
        [("x-forwarded-for".parse().unwrap(), caller.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn an_address_has_so_many_and_nothing_stays_of_it() {
        let places =
            SocketPlaces::new(SocketLimits { per_address: Some(2), ..SocketLimits::default() });
        for (first, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::2:0:0:1", "2001:db8:0:1::1"),
        ] {
            let taken = [first, same].map(|text| places.take(address(text)).unwrap());
            assert_eq!(places.take(address(first)).unwrap_err(), NoPlace::OfAddress);
            assert!(places.take(address(other)).is_ok());
            drop(taken);
            assert!(places.take(address(first)).is_ok());
        }
        assert_eq!(
            places.counts(),
            SocketCounts { refused_of_address: 2, ..SocketCounts::default() }
        );
        assert!(places.addresses.lock().open.is_empty());
    }

    #[test]
    fn callers_of_a_trusted_proxy_count_by_their_own_address() {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let limits =
            SocketLimits { per_address: Some(1), trusted_proxies, ..SocketLimits::default() };
        let places = SocketPlaces::new(limits);
        let through_proxy: Vec<_> =
            (0..3).map(|_| places.take(address("10.0.0.1")).unwrap()).collect();
        let count = |place: &SocketPlace, caller| {
            place.count(place.forwarded_caller(&headers(caller)).unwrap())
        };
        let first = count(&through_proxy[0], "192.0.2.1").unwrap();
        let second = count(&through_proxy[1], "192.0.2.2").unwrap();
        assert!(count(&through_proxy[2], "192.0.2.1").is_err());
        assert_eq!(places.take(address("192.0.2.1")).unwrap_err(), NoPlace::OfAddress);
        drop(first);
        assert!(count(&through_proxy[2], "192.0.2.1").is_ok());
        drop((second, through_proxy));
        // From a peer that is not trusted, the header means nothing.
        let direct = places.take(address("192.0.2.8")).unwrap();
        assert_eq!(direct.forwarded_caller(&headers("192.0.2.9")), None);
        drop(direct);
        assert!(places.addresses.lock().open.is_empty());
    }
}
