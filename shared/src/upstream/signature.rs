//! The signature by which an upstream knows the service: the HMAC of the connection's id with the
//! service's access key.

use std::fmt;

use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::header;
use crate::{access_key::AccessKey, name::ConnectionId};

const ALGORITHM: &str = "sha256=";
/// The most signatures that are read. No service has this many.
const MOST_SIGNATURES: usize = 16;

/// The keys that a service signs with, for the service and for the upstream. Without keys nothing
/// counts as signed.
///
/// ```
/// use http::HeaderMap;
/// use signalr_serverless::{AccessKey, ConnectionId, upstream::{SignatureKeys, header}};
///
/// let mut keys = SignatureKeys::default();
/// keys.add(&AccessKey::parse("key")?);
/// let connection = ConnectionId::parse("ZKY8S0b3V2Cq7Q")?;
/// let signature = keys.sign(&connection).parse()?;
/// let headers = HeaderMap::from_iter([(header::SIGNATURE, signature)]);
/// assert!(keys.have_signed(&connection, &headers));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct SignatureKeys(Vec<Hmac<Sha256>>);

impl SignatureKeys {
    /// Adds a key of the service. A service has two, so that one can be renewed.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn add(&mut self, key: &AccessKey) {
        self.0.push(Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length"));
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `sha256=` and the HMAC of the connection's id in hexadecimal, for each key. They are
    /// separated by commas without blanks, because Microsoft's own reader accepts no blanks.
    #[must_use]
    pub fn sign(&self, connection: &ConnectionId) -> String {
        let signatures: Vec<String> = self
            .0
            .iter()
            .map(|key| {
                let mac = key.clone().chain_update(connection.as_str()).finalize();
                format!("{ALGORITHM}{}", base16ct::lower::encode_string(&mac.into_bytes()))
            })
            .collect();
        signatures.join(",")
    }

    /// Whether any of the signatures is from any of the keys. The time of the check does not reveal
    /// how much of a wrong signature was right.
    #[must_use]
    pub fn have_signed(&self, connection: &ConnectionId, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::SIGNATURE).iter();
        let listed = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
        let signatures: Vec<[u8; 32]> = listed.take(MOST_SIGNATURES).filter_map(parse).collect();
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

impl fmt::Debug for SignatureKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignatureKeys(<{} redacted>)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4231, test case 2.
    const KEY: &str = "Jefe";
    const ID: &str = "what do ya want for nothing?";
    const DIGITS: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn known(keys: &[&str]) -> SignatureKeys {
        let mut known = SignatureKeys::default();
        for key in keys {
            known.add(&AccessKey::parse(key).unwrap());
        }
        known
    }

    #[test]
    fn each_key_signs() {
        let id = ConnectionId::parse(ID).unwrap();
        let signature = format!("sha256={DIGITS}");
        assert_eq!(known(&[KEY]).sign(&id), signature);
        let two = known(&["other", KEY]).sign(&id);
        let (other, second) = two.split_once(',').unwrap();
        assert_eq!(second, signature);
        assert!(other.starts_with("sha256=") && other != signature);
    }

    fn is_signed(keys: &[&str], signatures: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for signature in signatures {
            headers.append(header::SIGNATURE, signature.parse().unwrap());
        }
        known(keys).have_signed(&ConnectionId::parse(ID).unwrap(), &headers)
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
