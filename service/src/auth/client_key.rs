//! The keys that the service gives out for signing client tokens.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use jsonwebtoken::DecodingKey;
use sha2::Sha256;
use signalr_serverless::AccessKey;

/// For how many hours a key's tokens are accepted, including the hour in which it is given out.
/// Callers sign with a key for up to 110 minutes before they ask for the next.
const TAKEN_HOURS: u64 = 3;

/// Keys that sign only client tokens. There is a new key each hour.
///
/// They are derived from the access keys and the hour. So a restarted service, or another service
/// with the same access key, accepts tokens that were signed before. An access key cannot be
/// derived from them.
#[derive(Clone)]
pub(crate) struct ClientKeys {
    handed_out: Source,
    /// The sources, one for each access key.
    taken: Vec<Source>,
}

/// The secret of an access key from which the keys of all hours are derived.
#[derive(Clone)]
struct Source(Hmac<Sha256>);

/// A key with which others may sign client tokens.
pub(crate) struct ClientKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl ClientKeys {
    /// Makes the keys. The keys that are given out are derived from the access key `first`.
    pub(crate) fn new(first: &AccessKey, all: &[AccessKey]) -> Self {
        Self { handed_out: Source::new(first), taken: all.iter().map(Source::new).collect() }
    }

    /// The key to give out.
    pub(crate) fn current(&self, now: SystemTime) -> ClientKey {
        self.handed_out.of(hour(now))
    }

    /// The keys whose tokens are good. Each is made only when it is needed, because most tokens are
    /// signed with an access key.
    pub(super) fn decoding_keys(&self, now: SystemTime) -> impl Iterator<Item = DecodingKey> {
        let hours = (0..TAKEN_HOURS).map(move |ago| hour(now).saturating_sub(ago));
        let secrets =
            hours.flat_map(|hour| self.taken.iter().map(move |source| source.secret(hour)));
        secrets.map(|secret| DecodingKey::from_secret(secret.as_bytes()))
    }
}

impl Source {
    fn new(key: &AccessKey) -> Self {
        // Signatures for upstreams are MACs of connection ids, and a connection id never is this
        // text.
        Self(keyed(&mac(&keyed(key.as_bytes()), "the keys for client tokens")))
    }

    fn of(&self, hour: u64) -> ClientKey {
        let mut id = self.text("id", hour);
        id.truncate(22);
        ClientKey { id, secret: self.secret(hour) }
    }

    fn secret(&self, hour: u64) -> String {
        self.text("secret", hour)
    }

    fn text(&self, what: &str, hour: u64) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.0, &format!("{what} of {hour}")))
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn mac(keyed: &Hmac<Sha256>, text: &str) -> [u8; 32] {
    keyed.clone().chain_update(text).finalize().into_bytes().into()
}

/// The hours since 1970.
fn hour(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 3600
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKeys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jsonwebtoken::{EncodingKey, Header, Validation, decode, encode};

    use super::*;

    fn keys(all: &[&str]) -> ClientKeys {
        let all: Vec<_> = all.iter().map(|key| AccessKey::parse(key).unwrap()).collect();
        ClientKeys::new(&all[0], &all)
    }

    fn at(minutes: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_mins(1_000_020 + minutes)
    }

    /// Whether a token from this key is good at this time.
    fn takes(keys: &ClientKeys, key: &ClientKey, now: SystemTime) -> bool {
        let key = EncodingKey::from_secret(key.secret.as_bytes());
        let claims = serde_json::json!({ "exp": 99_999_999_999_u64 });
        let token = encode(&Header::default(), &claims, &key).unwrap();
        keys.decoding_keys(now)
            .any(|key| decode::<serde_json::Value>(&token, &key, &Validation::default()).is_ok())
    }

    #[test]
    fn a_key_is_handed_out_for_an_hour_and_taken_for_two_more() {
        let service = keys(&["one"]);
        let (first, same, second) =
            (service.current(at(0)), service.current(at(59)), service.current(at(60)));
        assert_eq!((&first.id, &first.secret), (&same.id, &same.secret));
        assert!(first.id != second.id && first.secret != second.secret);
        assert!(takes(&service, &first, at(0)) && takes(&service, &first, at(179)));
        assert!(!takes(&service, &first, at(180)));
        assert!(!takes(&service, &second, at(59)));
        assert!(!format!("{service:?}").contains(&first.secret));
    }

    #[test]
    fn a_service_with_the_same_access_key_takes_them_and_others_do_not() {
        let handed_out = keys(&["one"]).current(at(0));
        assert!(takes(&keys(&["one"]), &handed_out, at(0)));
        assert!(takes(&keys(&["two", "one"]), &handed_out, at(0)));
        assert!(!takes(&keys(&["two"]), &handed_out, at(0)));
    }
}
