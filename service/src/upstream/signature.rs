//! The signature by which an upstream knows the service.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use signalr_serverless::{AccessKey, ConnectionId};

/// Signs connection ids with every key of the service.
pub(super) struct Signer(Vec<Hmac<Sha256>>);

impl Signer {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub(super) fn new(keys: &[AccessKey]) -> Self {
        let keyed = |key: &AccessKey| {
            Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length")
        };
        Self(keys.iter().map(keyed).collect())
    }

    /// `sha256=` and the HMAC of the connection's id in hexadecimal, for each key, with commas
    /// between and no blanks, since Microsoft's own reader takes none.
    pub(super) fn sign(&self, connection: &ConnectionId) -> String {
        let signatures: Vec<String> = self
            .0
            .iter()
            .map(|keyed| {
                let mac = keyed.clone().chain_update(connection.as_str()).finalize();
                format!("sha256={}", base16ct::lower::encode_string(&mac.into_bytes()))
            })
            .collect();
        signatures.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_signs() {
        // RFC 4231, test case 2.
        let jefe = AccessKey::parse("Jefe").unwrap();
        let id = ConnectionId::parse("what do ya want for nothing?").unwrap();
        let signature = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(Signer::new(std::slice::from_ref(&jefe)).sign(&id), signature);
        let two = Signer::new(&[AccessKey::parse("other").unwrap(), jefe]).sign(&id);
        let (other, second) = two.split_once(',').unwrap();
        assert_eq!(second, signature);
        assert!(other.starts_with("sha256=") && other != signature);
    }
}
