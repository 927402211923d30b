//! Connection tokens, which connect a transport with its negotiation.
//!
//! A token is secret and only one client knows it. The connection id is public.

mod claim;
mod signed;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use signalr_serverless::{ConnectionId, HubName, UserId};
use tokio::time::Instant;

use self::claim::CONNECT_TIMEOUT;
pub(crate) use self::{
    claim::ClaimError,
    signed::{NewToken, SignedToken, TokenSigner},
};
use crate::{carrier::Transport, identity::Identity, session::Terms};

/// The connections that have negotiated or are open. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionTokens {
    // Held for short synchronous sections only.
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    connections: HashMap<Arc<str>, Entry>,
    /// Tokens in the order in which their time to connect ends.
    expiries: VecDeque<(Instant, Arc<str>)>,
}

#[derive(Debug)]
struct Entry {
    identity: Arc<Identity>,
    terms: Terms,
    transport: Option<Transport>,
}

/// The right that a token gives to its client.
#[derive(Debug)]
pub(crate) enum Claim {
    /// A new connection, which keeps the guard for as long as it lasts.
    New { identity: Arc<Identity>, terms: Terms, guard: TokenGuard },
    /// To continue a connection on another transport.
    Resume(Arc<Identity>),
}

/// Removes a connection token when it is dropped: at the end of its connection, or earlier if the
/// transport does not open.
pub(crate) struct TokenGuard {
    tokens: ConnectionTokens,
    token: Arc<str>,
}

impl ConnectionTokens {
    /// Notes that a client may connect with `token`.
    pub(crate) fn issue(&self, token: &str, identity: Arc<Identity>, terms: Terms) {
        let token: Arc<str> = token.into();
        let now = Instant::now();
        let mut table = self.lock();
        table.expire(now);
        table.expiries.push_back((now + CONNECT_TIMEOUT, Arc::clone(&token)));
        table.connections.insert(token, Entry { identity, terms, transport: None });
    }

    /// Uses a token for a transport of the client with this hub and user.
    pub(crate) fn claim(
        &self,
        token: &str,
        (hub, user): (&HubName, Option<&UserId>),
        transport: Transport,
    ) -> Result<Claim, ClaimError> {
        let mut table = self.lock();
        table.expire(Instant::now());
        let (token, entry) = table.entry(token, (hub, user))?;
        let identity = Arc::clone(&entry.identity);
        match entry.transport {
            Some(connected)
                if connected == transport
                    && transport.can_be_stateful()
                    && entry.terms.is_stateful =>
            {
                Ok(Claim::Resume(identity))
            }
            Some(connected) if connected == transport => Err(ClaimError::Connected(connected)),
            Some(_) => Err(ClaimError::OtherTransport),
            None => {
                entry.transport = Some(transport);
                let terms = terms_on(transport, &entry.terms);
                let guard = TokenGuard { tokens: self.clone(), token };
                Ok(Claim::New { identity, terms, guard })
            }
        }
    }

    /// Notes that a client connects with a token that this node did not issue or note.
    pub(crate) fn connect(
        &self,
        token: &str,
        identity: Arc<Identity>,
        terms: Terms,
        transport: Transport,
    ) -> Claim {
        let token: Arc<str> = token.into();
        let terms_of_entry = terms.clone();
        let entry = Entry { identity: Arc::clone(&identity), terms, transport: Some(transport) };
        self.lock().connections.insert(Arc::clone(&token), entry);
        let guard = TokenGuard { tokens: self.clone(), token };
        Claim::New { identity, terms: terms_on(transport, &terms_of_entry), guard }
    }

    /// The connection of a token, with or without a transport.
    pub(crate) fn look_up(
        &self,
        token: &str,
        client: (&HubName, Option<&UserId>),
    ) -> Result<(Arc<Identity>, Terms), ClaimError> {
        let mut table = self.lock();
        let (_, entry) = table.entry(token, client)?;
        Ok((Arc::clone(&entry.identity), entry.terms.clone()))
    }

    /// The connection of a token, and its transport.
    pub(crate) fn connected(
        &self,
        token: &str,
        client: (&HubName, Option<&UserId>),
    ) -> Result<(Arc<Identity>, Transport), ClaimError> {
        let mut table = self.lock();
        let (_, entry) = table.entry(token, client)?;
        match entry.transport {
            Some(transport) => Ok((Arc::clone(&entry.identity), transport)),
            None => Err(ClaimError::Unknown),
        }
    }

    /// The open connection of a hub that a secret token belongs to. Its client is not checked. The id of a
    /// client without a token is not secret, so it is not accepted.
    pub(crate) fn open_connection(&self, token: &str, hub: &HubName) -> Option<ConnectionId> {
        let table = self.lock();
        let entry = table.connections.get(token)?;
        let Identity { id, hub: own, .. } = &*entry.identity;
        let is_secret = id.as_str() != token;
        (entry.transport.is_some() && own == hub && is_secret).then(|| id.clone())
    }

    /// Removes the tokens with which no client connected in time.
    pub(crate) fn expire(&self) {
        self.lock().expire(Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The entry of a token, if it was issued to this client.
    fn entry(
        &mut self,
        token: &str,
        (hub, user): (&HubName, Option<&UserId>),
    ) -> Result<(Arc<str>, &mut Entry), ClaimError> {
        let (token, _) = self.connections.get_key_value(token).ok_or(ClaimError::Unknown)?;
        let token = Arc::clone(token);
        let entry = self.connections.get_mut(&token).ok_or(ClaimError::Unknown)?;
        if entry.identity.hub == *hub && entry.identity.user.as_ref() == user {
            Ok((token, entry))
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

/// The terms of a negotiation, limited to what the transport supports.
fn terms_on(transport: Transport, terms: &Terms) -> Terms {
    Terms {
        has_pings: transport.has_pings(),
        is_text_only: transport.is_text_only(),
        is_stateful: terms.is_stateful && transport.can_be_stateful(),
        ..terms.clone()
    }
}

impl Drop for TokenGuard {
    fn drop(&mut self) {
        self.tokens.lock().connections.remove(&self.token);
    }
}

impl fmt::Debug for TokenGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenGuard")
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    type Client = (HubName, Option<UserId>);

    fn client(hub: &str, user: &str) -> Client {
        (HubName::parse(hub).unwrap(), Some(UserId::parse(user).unwrap()))
    }

    fn ann() -> Client {
        client("chat", "ann")
    }

    fn issue(tokens: &ConnectionTokens, token: &str, is_stateful: bool) {
        let (hub, user) = ann();
        let id = ConnectionId::parse(&format!("id of {token}")).unwrap();
        let terms = Terms { is_stateful, ..Terms::default() };
        tokens.issue(token, Arc::new(Identity { id, hub, user }), terms);
    }

    fn claim(
        tokens: &ConnectionTokens,
        token: &str,
        (hub, user): &Client,
        transport: Transport,
    ) -> Result<Option<TokenGuard>, ClaimError> {
        tokens.claim(token, (hub, user.as_ref()), transport).map(|claim| match claim {
            Claim::New { guard, .. } => Some(guard),
            Claim::Resume(_) => None,
        })
    }

    fn connect(tokens: &ConnectionTokens, token: &str) -> Result<Option<TokenGuard>, ClaimError> {
        claim(tokens, token, &ann(), Transport::WebSockets)
    }

    fn refusal<T>(claimed: Result<T, ClaimError>) -> Option<ClaimError> {
        claimed.err()
    }

    const CONNECTED: Option<ClaimError> = Some(ClaimError::Connected(Transport::WebSockets));
    const UNKNOWN: Option<ClaimError> = Some(ClaimError::Unknown);

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_for_one_transport_of_its_client() {
        let tokens = ConnectionTokens::default();
        issue(&tokens, "t", false);
        assert_eq!(refusal(connect(&tokens, "x")), UNKNOWN);
        for other in [client("chat", "bob"), client("other", "ann")] {
            let claimed = claim(&tokens, "t", &other, Transport::WebSockets);
            assert_eq!(refusal(claimed), Some(ClaimError::OtherClient));
        }
        let (hub, user) = ann();
        assert_eq!(refusal(tokens.connected("t", (&hub, user.as_ref()))), UNKNOWN);
        let guard = connect(&tokens, "t").unwrap();
        assert_eq!(refusal(connect(&tokens, "t")), CONNECTED);
        let polling = claim(&tokens, "t", &ann(), Transport::LongPolling);
        assert_eq!(refusal(polling), Some(ClaimError::OtherTransport));
        drop(guard);
        assert_eq!(refusal(connect(&tokens, "t")), UNKNOWN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stateful_client_may_come_back_while_its_connection_lasts() {
        let tokens = ConnectionTokens::default();
        issue(&tokens, "t", true);
        let guard = connect(&tokens, "t").unwrap();
        assert!(guard.is_some() && connect(&tokens, "t").unwrap().is_none());
        drop(guard);
        assert_eq!(refusal(connect(&tokens, "t")), UNKNOWN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_ends_unless_its_client_connects_in_time() {
        let tokens = ConnectionTokens::default();
        issue(&tokens, "late", false);
        issue(&tokens, "used", false);
        let _guard = connect(&tokens, "used").unwrap();
        advance(CONNECT_TIMEOUT).await;
        assert_eq!(refusal(connect(&tokens, "late")), UNKNOWN);
        assert_eq!(refusal(connect(&tokens, "used")), CONNECTED);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_tokens_that_are_given_back_or_run_out() {
        let tokens = ConnectionTokens::default();
        for number in 0..100 {
            issue(&tokens, &format!("unused {number}"), false);
            issue(&tokens, &format!("used {number}"), true);
            drop(connect(&tokens, &format!("used {number}")).unwrap());
        }
        advance(CONNECT_TIMEOUT).await;
        tokens.expire();
        let table = tokens.lock();
        assert!(table.connections.is_empty() && table.expiries.is_empty());
    }
}
