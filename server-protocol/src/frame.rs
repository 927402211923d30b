//! The length in front of each message: 7 bits a byte, the low ones first; the high bit says that
//! more bytes follow. The boundaries of WebSocket frames have no meaning here.

use bytes::{Buf, Bytes, BytesMut};

/// The most bytes that a length takes.
const MAX_LENGTH_BYTES: usize = 5;

/// The longest message that a length can announce.
const MAX_LENGTH: u64 = i32::MAX as u64;

/// An error after which the next message cannot be found. The connection is then useless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length of more than 5 bytes, or of 2 GiB and more.
    #[error("a message has a length that is not below 2 GiB")]
    NotALength,
    /// A length above the limit of this reader. This is known before the message itself has
    /// arrived.
    #[error("a message of {announced} bytes is announced, and the limit is {limit}")]
    OverLimit {
        /// The announced length, in bytes.
        announced: usize,
        /// The longest accepted message, in bytes.
        limit: usize,
    },
}

/// A message that is too long for the length field: 2 GiB or more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message of {0} bytes is too long; a message has less than 2 GiB")]
pub struct TooLong(pub usize);

/// Takes the first message from `received`, without its length. `None` if it is not complete yet.
/// `limit` is in bytes, without the length. So `received` never has to grow beyond `limit + 5`.
///
/// The message shares the memory of `received`.
pub fn split(received: &mut BytesMut, limit: usize) -> Result<Option<Bytes>, FrameError> {
    let Some((length, length_bytes)) = length(received)? else { return Ok(None) };
    if length > limit {
        return Err(FrameError::OverLimit { announced: length, limit });
    }
    if received.len().saturating_sub(length_bytes) < length {
        return Ok(None);
    }
    received.advance(length_bytes);
    Ok(Some(received.split_to(length).freeze()))
}

/// The length at the start of the bytes, and how many bytes it takes.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let mut length = 0_u64;
    for (index, byte) in bytes.iter().take(MAX_LENGTH_BYTES).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if length > MAX_LENGTH {
                return Err(FrameError::NotALength);
            }
            let length = usize::try_from(length).map_err(|_| FrameError::NotALength)?;
            return Ok(Some((length, index + 1)));
        }
    }
    if bytes.len() < MAX_LENGTH_BYTES { Ok(None) } else { Err(FrameError::NotALength) }
}

/// Puts the length in front of the message that begins at `start`.
pub(crate) fn put_length(out: &mut Vec<u8>, start: usize) -> Result<(), TooLong> {
    let length = out.len().saturating_sub(start);
    if length as u64 > MAX_LENGTH {
        out.truncate(start);
        return Err(TooLong(length));
    }
    let mut prefix = Vec::with_capacity(MAX_LENGTH_BYTES);
    let mut left = length;
    while left > 0x7f {
        prefix.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    prefix.push(left as u8);
    out.splice(start..start, prefix);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8], limit: usize) -> Result<Option<Bytes>, FrameError> {
        split(&mut BytesMut::from(bytes), limit)
    }

    #[test]
    fn lengths_at_their_bounds_come_back() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
            let mut out = b"before".to_vec();
            out.extend(vec![7; length]);
            put_length(&mut out, 6).unwrap();
            assert_eq!(&out[..6], b"before");
            let mut received = BytesMut::from(&out[6..]);
            assert_eq!(split(&mut received, length).unwrap().unwrap(), vec![7; length]);
            assert!(received.is_empty());
            assert_eq!(
                first(&out[6..out.len() - usize::from(length > 0)], length).unwrap().is_some(),
                length == 0
            );
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_message_comes() {
        let announced = i32::MAX as usize;
        let refused = first(&[0xff, 0xff, 0xff, 0xff, 0x07], 1024);
        assert_eq!(refused, Err(FrameError::OverLimit { announced, limit: 1024 }));
        assert_eq!(
            first(&[0x81, 0x08], 1024),
            Err(FrameError::OverLimit { announced: 1025, limit: 1024 })
        );
        assert_eq!(first(&[0x80, 0x08], 1024), Ok(None));
    }

    #[test]
    fn no_length_is_2_gib_or_takes_six_bytes() {
        for bytes in
            [&[0xff, 0xff, 0xff, 0xff, 0x08][..], &[0x80; 5], &[0x80, 0x80, 0x80, 0x80, 0x80, 0]]
        {
            assert_eq!(first(bytes, usize::MAX), Err(FrameError::NotALength));
        }
        assert_eq!(first(&[0x80; 4], usize::MAX), Ok(None));
        assert_eq!(first(&[], usize::MAX), Ok(None));
    }
}
