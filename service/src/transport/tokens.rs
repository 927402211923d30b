//! Connection tokens: what ties a transport to the negotiation before it.
//!
//! A token is secret and known to one client; the connection id beside it is public.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use signalr_serverless::ConnectionId;

use super::{Transport, endpoint::Client};
use crate::{hub::connection::Identity, session::Terms};

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
    /// The token of each connection with a transport, so that its end frees it.
    by_id: HashMap<ConnectionId, String>,
    /// Tokens in the order in which their time to connect ends.
    expiries: VecDeque<(Instant, String)>,
}

#[derive(Debug)]
struct Entry {
    identity: Arc<Identity>,
    terms: Terms,
    transport: Option<Transport>,
}

/// What a token gives its client a right to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A new connection.
    New { identity: Arc<Identity>, terms: Terms },
    /// To go on with a connection on another transport.
    Resume(Arc<Identity>),
}

/// Why a token does not lead to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimError {
    Unknown,
    /// This transport is connected with this token already.
    Connected(Transport),
    /// Another transport is connected with this token.
    OtherTransport,
    /// The token was issued to somebody else.
    OtherClient,
}

/// 128 random bits that may stand in a URL as they are.
pub(crate) fn random_id() -> Result<String, getrandom::Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

impl Claim {
    pub(crate) fn identity(&self) -> &Arc<Identity> {
        match self {
            Self::New { identity, .. } | Self::Resume(identity) => identity,
        }
    }
}

impl ConnectionTokens {
    /// Notes that a client may connect with `token`.
    pub(crate) fn issue(&self, token: String, identity: Arc<Identity>, terms: Terms, now: Instant) {
        let mut table = self.lock();
        table.expire(now);
        table.expiries.push_back((now + CONNECT_TIMEOUT, token.clone()));
        table.connections.insert(token, Entry { identity, terms, transport: None });
    }

    /// Takes a token for a transport.
    pub(crate) fn claim(
        &self,
        token: &str,
        client: &Client,
        transport: Transport,
        now: Instant,
    ) -> Result<Claim, ClaimError> {
        let mut table = self.lock();
        table.expire(now);
        let entry = table.entry(token, client)?;
        let identity = Arc::clone(&entry.identity);
        match entry.transport {
            Some(Transport::WebSockets)
                if entry.terms.is_stateful && transport == Transport::WebSockets =>
            {
                Ok(Claim::Resume(identity))
            }
            Some(connected) if connected == transport => Err(ClaimError::Connected(connected)),
            Some(_) => Err(ClaimError::OtherTransport),
            None => {
                entry.transport = Some(transport);
                let has_pings = transport != Transport::LongPolling;
                let is_stateful = entry.terms.is_stateful && transport == Transport::WebSockets;
                let is_text_only = transport == Transport::ServerSentEvents;
                let terms = Terms { has_pings, is_text_only, is_stateful, ..entry.terms.clone() };
                table.by_id.insert(identity.id.clone(), token.to_owned());
                Ok(Claim::New { identity, terms })
            }
        }
    }

    /// The connection of a token, whether it has a transport or not.
    pub(crate) fn look_up(
        &self,
        token: &str,
        client: &Client,
    ) -> Result<(Arc<Identity>, Terms), ClaimError> {
        let mut table = self.lock();
        let entry = table.entry(token, client)?;
        Ok((Arc::clone(&entry.identity), entry.terms.clone()))
    }

    /// The connection of a token, and the transport that it has.
    pub(crate) fn connected(
        &self,
        token: &str,
        client: &Client,
    ) -> Result<(Arc<Identity>, Transport), ClaimError> {
        let mut table = self.lock();
        let entry = table.entry(token, client)?;
        match entry.transport {
            Some(transport) => Ok((Arc::clone(&entry.identity), transport)),
            None => Err(ClaimError::Unknown),
        }
    }

    /// Forgets the token of a connection that has ended.
    pub(crate) fn release(&self, id: &ConnectionId) {
        let mut table = self.lock();
        if let Some(token) = table.by_id.remove(id) {
            table.connections.remove(&token);
        }
    }

    /// Notes that a transport did not come about. A client that can go on elsewhere may try again.
    pub(crate) fn transport_failed(&self, id: &ConnectionId) {
        let is_stateful = {
            let table = self.lock();
            let entry = table.by_id.get(id).and_then(|token| table.connections.get(token));
            entry.is_some_and(|entry| entry.terms.is_stateful)
        };
        if !is_stateful {
            self.release(id);
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
    /// The entry of a token, where it was issued to this client.
    fn entry(&mut self, token: &str, client: &Client) -> Result<&mut Entry, ClaimError> {
        let entry = self.connections.get_mut(token).ok_or(ClaimError::Unknown)?;
        if entry.identity.hub == client.hub && entry.identity.user == client.user {
            Ok(entry)
        } else {
            Err(ClaimError::OtherClient)
        }
    }

    fn expire(&mut self, now: Instant) {
        while self.expiries.front().is_some_and(|(end, _)| *end <= now) {
            let Some((_, token)) = self.expiries.pop_front() else { return };
            if self.connections.get(&token).is_some_and(|entry| entry.transport.is_none()) {
                self.connections.remove(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use signalr_serverless::{HubName, UserId};

    use super::*;

    fn client(hub: &str, user: &str) -> Client {
        Client::new(HubName::parse(hub).unwrap(), Some(UserId::parse(user).unwrap()))
    }

    fn issue(tokens: &ConnectionTokens, token: &str, is_stateful: bool, now: Instant) {
        let ann = client("chat", "ann");
        let identity = Arc::new(Identity {
            id: ConnectionId::parse(&format!("id of {token}")).unwrap(),
            hub: ann.hub,
            user: ann.user,
        });
        let terms = Terms { is_stateful, ..Terms::default() };
        tokens.issue(token.to_owned(), identity, terms, now);
    }

    fn claim(
        tokens: &ConnectionTokens,
        token: &str,
        client: &Client,
        now: Instant,
    ) -> Result<&'static str, ClaimError> {
        tokens.claim(token, client, Transport::WebSockets, now).map(|claim| match claim {
            Claim::New { .. } => "new",
            Claim::Resume(_) => "resume",
        })
    }

    const CONNECTED: ClaimError = ClaimError::Connected(Transport::WebSockets);

    #[test]
    fn a_token_is_good_for_one_transport_of_its_client() {
        let tokens = ConnectionTokens::default();
        let (ann, now) = (client("chat", "ann"), Instant::now());
        issue(&tokens, "t", false, now);
        assert_eq!(claim(&tokens, "x", &ann, now), Err(ClaimError::Unknown));
        for other in [client("chat", "bob"), client("other", "ann")] {
            assert_eq!(claim(&tokens, "t", &other, now), Err(ClaimError::OtherClient));
        }
        assert_eq!(tokens.connected("t", &ann).unwrap_err(), ClaimError::Unknown);
        assert_eq!(claim(&tokens, "t", &ann, now), Ok("new"));
        assert_eq!(claim(&tokens, "t", &ann, now), Err(CONNECTED));
        let polling = tokens.claim("t", &ann, Transport::LongPolling, now);
        assert_eq!(polling, Err(ClaimError::OtherTransport));
        tokens.release(&ConnectionId::parse("id of t").unwrap());
        assert_eq!(claim(&tokens, "t", &ann, now), Err(ClaimError::Unknown));
    }

    #[test]
    fn a_stateful_client_may_come_back() {
        let tokens = ConnectionTokens::default();
        let (ann, now) = (client("chat", "ann"), Instant::now());
        issue(&tokens, "t", true, now);
        assert_eq!(claim(&tokens, "t", &ann, now), Ok("new"));
        assert_eq!(claim(&tokens, "t", &ann, now), Ok("resume"));
        tokens.transport_failed(&ConnectionId::parse("id of t").unwrap());
        assert_eq!(claim(&tokens, "t", &ann, now), Ok("resume"));
    }

    #[test]
    fn a_token_ends_unless_its_client_connects_in_time() {
        let tokens = ConnectionTokens::default();
        let (ann, now) = (client("chat", "ann"), Instant::now());
        issue(&tokens, "late", false, now);
        issue(&tokens, "used", false, now);
        assert_eq!(claim(&tokens, "used", &ann, now), Ok("new"));
        let later = now + CONNECT_TIMEOUT;
        assert_eq!(claim(&tokens, "late", &ann, later), Err(ClaimError::Unknown));
        assert_eq!(claim(&tokens, "used", &ann, later), Err(CONNECTED));
    }

    #[test]
    fn ids_may_stand_in_a_url() {
        let id = random_id().unwrap();
        assert_eq!(id.len(), 22);
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
        assert_ne!(id, random_id().unwrap());
    }
}
