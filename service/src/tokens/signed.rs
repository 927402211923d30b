//! Connection tokens of a cluster: any node can check a token, and no node has to remember it.
//!
//! A token has a hash of its client, and the end of the time to connect. The broker makes sure that
//! each token is used only once in the whole cluster.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::{Buf, BufMut};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use signalr_serverless::{AccessKey, ConnectionId, HubName, UserId};

use super::claim::{CONNECT_TIMEOUT, ClaimError};

const VERSION: u8 = 1;
const STATEFUL: u8 = 1;
/// The flag for a client that negotiated without a token. Its id is the token.
const IS_ID: u8 = 2;
/// `u8 version | u8 flags | u64 end | 16 random bytes | 8 bytes of the client`, and the signature.
const LENGTH: usize = 34 + SIGNATURE;
const SIGNATURE: usize = 16;

/// Makes and checks the connection tokens of all nodes with the same access key.
#[derive(Clone)]
pub(crate) struct TokenSigner {
    first: Hmac<Sha256>,
    all: Vec<Hmac<Sha256>>,
}

/// The content of a token with a good signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedToken {
    pub(crate) connection: ConnectionId,
    pub(crate) is_stateful: bool,
    /// How long the client may still connect with the token; `None` if its time is over.
    pub(crate) left: Option<Duration>,
}

/// A new token and the id of its connection.
#[derive(Debug)]
pub(crate) struct NewToken {
    pub(crate) token: String,
    pub(crate) connection: ConnectionId,
}

type Client<'a> = (&'a HubName, Option<&'a UserId>);

impl TokenSigner {
    /// The access key `first` signs. Tokens from each key are good.
    pub(crate) fn new(first: &AccessKey, all: &[AccessKey]) -> Self {
        Self { first: keyed(first), all: all.iter().map(keyed).collect() }
    }

    /// A token for a client of a hub. `is_id` is for a client whose id is its token.
    pub(crate) fn issue(
        &self,
        client: Client<'_>,
        is_stateful: bool,
        is_id: bool,
        now: SystemTime,
    ) -> Result<NewToken, getrandom::Error> {
        let mut chance = [0; 16];
        getrandom::fill(&mut chance)?;
        let flags = if is_stateful { STATEFUL } else { 0 } | if is_id { IS_ID } else { 0 };
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.put_u8(VERSION);
        bytes.put_u8(flags);
        bytes.put_u64_le(millis(now).saturating_add(millis_of(CONNECT_TIMEOUT)));
        bytes.put_slice(&chance);
        bytes.put_slice(&hash(client));
        let signature = self.first.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.put_slice(&signature[..SIGNATURE]);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let connection = connection(&token, &chance, is_id).ok_or(getrandom::Error::UNSUPPORTED)?;
        Ok(NewToken { token, connection })
    }

    /// The connection of a secret token. Its client is not checked. The id of a client without a token is
    /// not secret, so it is not accepted.
    pub(crate) fn connection(&self, token: &str) -> Option<ConnectionId> {
        let content = self.content(token)?;
        let (flags, chance) = (content[1], &content[10..26]);
        if flags & IS_ID != 0 { None } else { connection(token, chance, false) }
    }

    /// The signed content of a token, if the signature is good.
    fn content(&self, token: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        if bytes.len() != LENGTH || bytes[0] != VERSION {
            return None;
        }
        let signature = bytes.split_off(LENGTH - SIGNATURE);
        let is_good = |key: &Hmac<Sha256>| {
            key.clone().chain_update(&bytes).verify_truncated_left(&signature).is_ok()
        };
        self.all.iter().any(is_good).then_some(bytes)
    }

    /// Reads a token. A token that this cluster did not issue is unknown, as is a token of an ended
    /// connection.
    pub(crate) fn read(
        &self,
        token: &str,
        client: Client<'_>,
        now: SystemTime,
    ) -> Result<SignedToken, ClaimError> {
        let content = self.content(token).ok_or(ClaimError::Unknown)?;
        let mut content = &content[1..];
        let flags = content.get_u8();
        let end = content.get_u64_le();
        let (chance, issued_to) = content.split_at(16);
        if issued_to != hash(client) {
            return Err(ClaimError::OtherClient);
        }
        let left = end.checked_sub(millis(now)).filter(|left| *left > 0);
        Ok(SignedToken {
            connection: connection(token, chance, flags & IS_ID != 0).ok_or(ClaimError::Unknown)?,
            is_stateful: flags & STATEFUL != 0,
            left: left.map(Duration::from_millis),
        })
    }
}

fn connection(token: &str, chance: &[u8], is_id: bool) -> Option<ConnectionId> {
    let id = if is_id { token.to_owned() } else { URL_SAFE_NO_PAD.encode(chance) };
    ConnectionId::parse(&id).ok()
}

/// A key that is different from every key that signs access tokens.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &AccessKey) -> Hmac<Sha256> {
    let mac =
        |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    let derived = mac(key.as_bytes()).chain_update("the key for connection tokens").finalize();
    mac(&derived.into_bytes())
}

fn hash((hub, user): Client<'_>) -> [u8; 8] {
    let mut hash = Sha256::new();
    hash.update(hub.as_str());
    // Hub names have no colon, so no other client has this text.
    hash.update(if user.is_some() { ":" } else { "" });
    hash.update(user.map_or("", UserId::as_str));
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    first
}

fn millis(time: SystemTime) -> u64 {
    millis_of(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSigner")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(keys: &[&str]) -> TokenSigner {
        let keys: Vec<_> = keys.iter().map(|key| AccessKey::parse(key).unwrap()).collect();
        TokenSigner::new(&keys[0], &keys)
    }

    fn hub() -> HubName {
        HubName::parse("chat").unwrap()
    }

    #[test]
    fn a_node_with_the_same_key_reads_what_another_issued() {
        let (hub, ann, now) = (hub(), UserId::parse("ann").unwrap(), SystemTime::now());
        let client = (&hub, Some(&ann));
        for (is_stateful, is_id) in [(false, false), (true, false), (false, true)] {
            let new = signer(&["one"]).issue(client, is_stateful, is_id, now).unwrap();
            let read = signer(&["two", "one"]).read(&new.token, client, now).unwrap();
            let left = read.left.unwrap();
            assert!(left <= CONNECT_TIMEOUT && left > CONNECT_TIMEOUT - Duration::from_secs(1));
            assert_eq!((read.connection, read.is_stateful), (new.connection.clone(), is_stateful));
            assert_eq!(new.connection.as_str() == new.token, is_id);
            let found = signer(&["one"]).connection(&new.token);
            assert_eq!(found, Some(new.connection).filter(|_| !is_id));
        }
    }

    #[test]
    fn what_is_changed_or_for_another_client_is_refused() {
        let (hub, ann, now) = (hub(), UserId::parse("ann").unwrap(), SystemTime::now());
        let client = (&hub, Some(&ann));
        let signer = signer(&["one"]);
        let token = signer.issue(client, false, false, now).unwrap().token;
        assert_eq!(signer.read(&token, (&hub, None), now), Err(ClaimError::OtherClient));
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(signer.read(&changed, client, now), Err(ClaimError::Unknown), "{index}");
            assert_eq!(signer.connection(&changed), None, "{index}");
        }
        for bad in ["", "x", &token[1..], "c29tZXRoaW5n"] {
            assert_eq!(signer.read(bad, client, now), Err(ClaimError::Unknown), "{bad}");
        }
        let late = now + CONNECT_TIMEOUT;
        assert_eq!(signer.read(&token, client, late).unwrap().left, None);
    }
}
