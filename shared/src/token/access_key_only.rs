//! The algorithms that access keys need, for programs without the others (feature `algorithms`).

use std::sync::Once;

use hmac::{Hmac, Mac, digest::KeyInit};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
};
use sha2::{Sha256, Sha384, Sha512};
use signature::{Signer, Verifier};

static HMAC: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Registers the algorithms with the library. Algorithms that are already registered stay.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = HMAC.install_default();
    });
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    let (algorithm, key) = (*algorithm, key.as_bytes());
    Ok(match algorithm {
        Algorithm::HS256 => Box::new(Key::<Hmac<Sha256>>::new(algorithm, key)?),
        Algorithm::HS384 => Box::new(Key::<Hmac<Sha384>>::new(algorithm, key)?),
        Algorithm::HS512 => Box::new(Key::<Hmac<Sha512>>::new(algorithm, key)?),
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    })
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let (algorithm, key) = (*algorithm, key.try_get_as_bytes()?);
    Ok(match algorithm {
        Algorithm::HS256 => Box::new(Key::<Hmac<Sha256>>::new(algorithm, key)?),
        Algorithm::HS384 => Box::new(Key::<Hmac<Sha384>>::new(algorithm, key)?),
        Algorithm::HS512 => Box::new(Key::<Hmac<Sha512>>::new(algorithm, key)?),
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    })
}

struct Key<M> {
    algorithm: Algorithm,
    mac: M,
}

impl<M: Mac + KeyInit> Key<M> {
    fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self, Error> {
        let mac = <M as Mac>::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat)?;
        Ok(Self { algorithm, mac })
    }
}

impl<M: Mac + Clone> Signer<Vec<u8>> for Key<M> {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.mac.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl<M: Mac + Clone> Verifier<Vec<u8>> for Key<M> {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let expected = self.mac.clone().chain_update(message);
        expected.verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl<M: Mac + Clone> JwtSigner for Key<M> {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl<M: Mac + Clone> JwtVerifier for Key<M> {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
