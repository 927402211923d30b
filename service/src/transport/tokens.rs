//! Connection tokens: what ties a transport to the negotiation before it.
//!
//! A token is secret and known to one client; the connection id beside it is public.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use signalr_serverless::{ConnectionId, HubName, UserId};

use crate::hub::connection::Identity;

/// How long a client has to connect after its negotiation. Source: ASP.NET Core's default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The connections that negotiated, and those that are open.
#[derive(Debug, Default)]
pub(crate) struct ConnectionTokens {
    // Held for short synchronous sections only.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    connections: HashMap<String, Entry>,
    /// The token of each open connection that has one, so that its end frees it.
    by_id: HashMap<ConnectionId, String>,
    /// Tokens in the order in which their time to connect ends.
    expiries: VecDeque<(Instant, String)>,
}

#[derive(Debug)]
struct Entry {
    identity: Arc<Identity>,
    is_connected: bool,
}

/// Why a token does not lead to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimError {
    Unknown,
    /// A transport is connected with this token already.
    Connected,
    /// The token was issued to somebody else.
    OtherClient,
}

/// 128 random bits that may stand in a URL as they are.
pub(crate) fn random_id() -> Result<String, getrandom::Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

impl ConnectionTokens {
    /// Notes that a client may connect with `token`.
    pub(crate) fn issue(&self, token: String, identity: Arc<Identity>, now: Instant) {
        let mut table = self.lock();
        table.expire(now);
        table.expiries.push_back((now + CONNECT_TIMEOUT, token.clone()));
        table.connections.insert(token, Entry { identity, is_connected: false });
    }

    /// Takes a token for a transport.
    pub(crate) fn claim(
        &self,
        token: &str,
        hub: &HubName,
        user: Option<&UserId>,
        now: Instant,
    ) -> Result<Arc<Identity>, ClaimError> {
        let mut table = self.lock();
        table.expire(now);
        let entry = table.connections.get_mut(token).ok_or(ClaimError::Unknown)?;
        if entry.identity.hub != *hub || entry.identity.user.as_ref() != user {
            return Err(ClaimError::OtherClient);
        }
        if std::mem::replace(&mut entry.is_connected, true) {
            return Err(ClaimError::Connected);
        }
        let identity = Arc::clone(&entry.identity);
        table.by_id.insert(identity.id.clone(), token.to_owned());
        Ok(identity)
    }

    /// Forgets the token of a connection that has ended.
    pub(crate) fn release(&self, id: &ConnectionId) {
        let mut table = self.lock();
        if let Some(token) = table.by_id.remove(id) {
            table.connections.remove(&token);
        }
    }

    /// Forgets the tokens that nobody connected with in time.
    pub(crate) fn expire(&self, now: Instant) {
        self.lock().expire(now);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn expire(&mut self, now: Instant) {
        while self.expiries.front().is_some_and(|(end, _)| *end <= now) {
            let Some((_, token)) = self.expiries.pop_front() else { return };
            if self.connections.get(&token).is_some_and(|entry| !entry.is_connected) {
                self.connections.remove(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Arc<Identity> {
        Arc::new(Identity {
            id: ConnectionId::parse("id").unwrap(),
            hub: HubName::parse("chat").unwrap(),
            user: Some(UserId::parse("ann").unwrap()),
        })
    }

    #[test]
    fn a_token_is_good_for_one_transport_of_its_client() {
        let tokens = ConnectionTokens::default();
        let (ann, now) = (ann(), Instant::now());
        let (hub, user) = (&ann.hub, ann.user.as_ref());
        tokens.issue("t".to_owned(), Arc::clone(&ann), now);
        assert_eq!(tokens.claim("x", hub, user, now), Err(ClaimError::Unknown));
        assert_eq!(tokens.claim("t", hub, None, now), Err(ClaimError::OtherClient));
        let other = HubName::parse("other").unwrap();
        assert_eq!(tokens.claim("t", &other, user, now), Err(ClaimError::OtherClient));
        assert_eq!(tokens.claim("t", hub, user, now), Ok(Arc::clone(&ann)));
        assert_eq!(tokens.claim("t", hub, user, now), Err(ClaimError::Connected));
        tokens.release(&ann.id);
        assert_eq!(tokens.claim("t", hub, user, now), Err(ClaimError::Unknown));
    }

    #[test]
    fn a_token_ends_unless_its_client_connects_in_time() {
        let tokens = ConnectionTokens::default();
        let (ann, now) = (ann(), Instant::now());
        let (hub, user) = (&ann.hub, ann.user.as_ref());
        tokens.issue("late".to_owned(), Arc::clone(&ann), now);
        tokens.issue("used".to_owned(), Arc::clone(&ann), now);
        assert!(tokens.claim("used", hub, user, now).is_ok());
        let later = now + CONNECT_TIMEOUT;
        assert_eq!(tokens.claim("late", hub, user, later), Err(ClaimError::Unknown));
        assert_eq!(tokens.claim("used", hub, user, later), Err(ClaimError::Connected));
    }

    #[test]
    fn ids_may_stand_in_a_url() {
        let id = random_id().unwrap();
        assert_eq!(id.len(), 22);
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
        assert_ne!(id, random_id().unwrap());
    }
}
