//! Whether a request comes from the service: its signature.

use std::fmt;

use axum::http::HeaderMap;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use signalr_serverless::{AccessKey, ConnectionId};
use subtle::{Choice, ConstantTimeEq};

const HEADER: &str = "x-asrs-signature";
const ALGORITHM: &str = "sha256=";
/// More than any service has.
const MOST_SIGNATURES: usize = 16;

/// The keys that the service may sign with. Without any, nothing is taken for signed.
#[derive(Clone, Default)]
pub(crate) struct Keys(Vec<Hmac<Sha256>>);

impl Keys {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub(crate) fn add(&mut self, key: &AccessKey) {
        self.0.push(Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length"));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of the signatures is by any of the keys. Time tells nothing of how near a wrong
    /// one came.
    pub(crate) fn have_signed(&self, connection: &ConnectionId, headers: &HeaderMap) -> bool {
        let values = headers.get_all(HEADER).iter().filter_map(|value| value.to_str().ok());
        let listed = values.flat_map(|value| value.split(',')).take(MOST_SIGNATURES);
        let signatures: Vec<[u8; 32]> = listed.filter_map(parse).collect();
        let mut found = Choice::from(0);
        for key in &self.0 {
            let expected = key.clone().chain_update(connection.as_str()).finalize().into_bytes();
            for signature in &signatures {
                found |= expected[..].ct_eq(signature);
            }
        }
        found.into()
    }
}

/// `sha256=` and 64 hexadecimal digits, in any case.
fn parse(signature: &str) -> Option<[u8; 32]> {
    let signature = signature.trim();
    let (algorithm, digits) = signature.split_at_checked(ALGORITHM.len())?;
    let mut bytes = [0; 32];
    let is_whole = base16ct::mixed::decode(digits, &mut bytes).is_ok_and(|bytes| bytes.len() == 32);
    (algorithm.eq_ignore_ascii_case(ALGORITHM) && is_whole).then_some(bytes)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys(<{} redacted>)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4231, test case 2.
    const KEY: &str = "Jefe";
    const ID: &str = "what do ya want for nothing?";
    const DIGITS: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn is_signed(keys: &[&str], signatures: &[&str]) -> bool {
        let mut known = Keys::default();
        for key in keys {
            known.add(&AccessKey::parse(key).unwrap());
        }
        let mut headers = HeaderMap::new();
        for signature in signatures {
            headers.append(HEADER, signature.parse().unwrap());
        }
        known.have_signed(&ConnectionId::parse(ID).unwrap(), &headers)
    }

    #[test]
    fn any_signature_by_any_key_will_do() {
        let good = format!("sha256={DIGITS}");
        let upper = format!("SHA256={}", DIGITS.to_uppercase());
        let other = format!("sha256={}", "0".repeat(64));
        assert!(is_signed(&[KEY], &[&good]));
        assert!(is_signed(&["old", KEY], &[&upper]));
        for listed in [
            format!("{other},{good}"),
            format!("{other} , {upper} "),
            format!(" {good},{other}"),
            format!("sha256=,sha1=00,,{good}"),
        ] {
            assert!(is_signed(&[KEY, "new"], &[&listed]), "{listed}");
        }
        assert!(is_signed(&[KEY], &[&other, &good]));
    }

    #[test]
    fn nothing_else_will() {
        let good = format!("sha256={DIGITS}");
        for bad in [
            "",
            "sha256=",
            DIGITS,
            &format!("sha1={DIGITS}"),
            &format!("sha256={}", &DIGITS[..62]),
            &format!("sha256={DIGITS}00"),
            &format!("sha256={}", DIGITS.replace('5', "6")),
            &format!("sha256={}", DIGITS.replace('5', "g")),
            "sha256=é",
        ] {
            assert!(!is_signed(&[KEY], &[bad]), "{bad}");
        }
        assert!(!is_signed(&[KEY], &[]));
        assert!(!is_signed(&["jefe"], &[&good]));
        assert!(!is_signed(&[], &[&good]));
    }
}
