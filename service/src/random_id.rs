//! Ids that nobody can guess.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// 128 random bits that may stand in a URL as they are: 22 characters of base64url. The first is no
/// `-`, since a command line takes a word with that in front for a flag.
pub(crate) fn random_id() -> Result<String, getrandom::Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(encode(bits))
}

fn encode(mut bits: [u8; 16]) -> String {
    const DASH: u8 = 62;
    // The first six bits are the first character.
    if bits[0] >> 2 == DASH {
        bits[0] &= 0x7f;
    }
    URL_SAFE_NO_PAD.encode(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_stand_in_a_url() {
        let id = random_id().unwrap();
        assert_eq!(id.len(), 22);
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
        assert_ne!(id, random_id().unwrap());
    }

    #[test]
    fn ids_do_not_look_like_flags() {
        for first in 0..=u8::MAX {
            let id = encode([first; 16]);
            assert!(!id.starts_with('-'), "{id}");
        }
    }
}
