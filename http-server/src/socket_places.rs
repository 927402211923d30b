//! How many connections there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyper::HeaderMap;
use ipnet::IpNet;

use crate::forwarded;

/// How many connections there may be.
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
    /// The most connections at once, those that were upgraded included. 100,000 by default.
    pub connections: usize,
    /// How many of them are kept back: a connection that gets one of these places may send one short
    /// request, and [`SocketPlace::is_reserved`] tells the service, which serves operators there and not
    /// clients. 64 by default.
    pub reserved: usize,
    /// The most connections from one address at once; of IPv6, from one network of 64 bits. No limit
    /// by default.
    pub per_address: Option<usize>,
    /// Whose connections are not counted by their own address: what is in `X-Forwarded-For` counts,
    /// for as long as the service keeps what [`SocketPlace::count`] gives it. Nobody's by default.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self { connections: 100_000, reserved: 64, per_address: None, trusted_proxies: Vec::new() }
    }
}

/// What became of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketCounts {
    /// Connections that are open now.
    pub open: usize,
    /// Connections that were refused because there were too many.
    pub refused: u64,
    /// Connections and callers that were refused because there were too many from their address.
    pub refused_of_address: u64,
    /// Connections that were cut off because their callers took nothing of their answers.
    pub cut_off: u64,
}

/// The places for connections. Servers of one process may share them.
#[derive(Debug, Default)]
pub struct SocketPlaces {
    limits: SocketLimits,
    // Held for short synchronous sections only.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    counts: SocketCounts,
    /// How many of the open ones have a place that is kept back.
    reserved: usize,
    /// Only addresses with a connection, and only if there is a limit.
    by_address: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    InAll,
    OfAddress,
}

/// A caller has as many connections as one address may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are too many connections from this address; close some, or try again later")]
#[non_exhaustive]
pub struct TooManyOfAddress;

/// The place of one connection, which is free again when this is dropped. Each request has it among
/// its extensions, and an upgraded socket brings it along.
#[derive(Debug)]
pub struct SocketPlace {
    places: Arc<SocketPlaces>,
    is_reserved: bool,
    is_proxy: bool,
    _counted: Option<Counted>,
}

/// One connection of an address, until this is dropped.
#[derive(Debug)]
pub struct Counted {
    places: Arc<SocketPlaces>,
    address: IpAddr,
}

impl SocketPlaces {
    /// SocketPlaces, of which none is taken.
    #[must_use]
    pub fn new(limits: SocketLimits) -> Arc<Self> {
        Arc::new(Self { limits, table: Mutex::default() })
    }

    /// What became of connections until now.
    #[must_use]
    pub fn counts(&self) -> SocketCounts {
        self.lock().counts
    }

    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<SocketPlace, NoPlace> {
        let is_proxy = forwarded::is_trusted(&self.limits.trusted_proxies, peer);
        let mut table = self.lock();
        let in_use = table.counts.open.saturating_sub(table.reserved);
        let is_reserved = in_use >= self.limits.connections.saturating_sub(self.limits.reserved);
        if is_reserved && table.counts.open >= self.limits.connections {
            table.counts.refused += 1;
            return Err(NoPlace::InAll);
        }
        let counted = if is_proxy { None } else { self.count(&mut table, peer)? };
        table.counts.open += 1;
        table.reserved += usize::from(is_reserved);
        drop(table);
        Ok(SocketPlace { places: Arc::clone(self), is_reserved, is_proxy, _counted: counted })
    }

    fn count(
        self: &Arc<Self>,
        table: &mut Table,
        address: IpAddr,
    ) -> Result<Option<Counted>, NoPlace> {
        let Some(limit) = self.limits.per_address else { return Ok(None) };
        let address = network(address);
        let count = table.by_address.get(&address).copied().unwrap_or_default();
        if count >= limit {
            table.counts.refused_of_address += 1;
            return Err(NoPlace::OfAddress);
        }
        table.by_address.insert(address, count + 1);
        Ok(Some(Counted { places: Arc::clone(self), address }))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SocketPlace {
    /// Whether all other places are taken, so that this one is not for clients.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.is_reserved
    }

    pub(crate) fn count_cut_off(&self) {
        self.places.lock().counts.cut_off += 1;
    }

    /// The address of the caller, if the connection is a trusted proxy's and the proxy names one.
    #[must_use]
    pub fn forwarded_caller(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let proxies = &self.places.limits.trusted_proxies;
        self.is_proxy.then(|| forwarded::caller(proxies, headers)).flatten()
    }

    /// Counts one connection more of a caller behind a proxy, until what is returned is dropped. It is
    /// nothing if there is no limit.
    ///
    /// # Errors
    ///
    /// [`TooManyOfAddress`] if the caller has as many already as one may have.
    pub fn count(&self, caller: IpAddr) -> Result<Option<Counted>, TooManyOfAddress> {
        let mut table = self.places.lock();
        self.places.count(&mut table, caller).map_err(|_| TooManyOfAddress)
    }
}

impl Drop for SocketPlace {
    fn drop(&mut self) {
        let mut table = self.places.lock();
        table.counts.open = table.counts.open.saturating_sub(1);
        table.reserved = table.reserved.saturating_sub(usize::from(self.is_reserved));
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut table = self.places.lock();
        if let Some(count) = table.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                table.by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: whoever has one of IPv6 has a whole network of 64 bits.
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

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn headers(caller: &str) -> HeaderMap {
        [("x-forwarded-for".parse().unwrap(), caller.parse().unwrap())].into_iter().collect()
    }

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
            // Room for one more client, while the places that are kept back are still in use.
            taken.remove(0);
            assert!(!places.take(peer).unwrap().is_reserved());
        }
        assert_eq!(places.counts(), SocketCounts { refused: 3, ..SocketCounts::default() });
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
        assert!(places.lock().by_address.is_empty());
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
        // From elsewhere the header says nothing.
        let direct = places.take(address("192.0.2.8")).unwrap();
        assert_eq!(direct.forwarded_caller(&headers("192.0.2.9")), None);
        drop(direct);
        assert!(places.lock().by_address.is_empty());
    }
}
