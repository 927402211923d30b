//! MessagePack's timestamp, in its forms of 4, 8 and 12 bytes.

use crate::{
    decode_error::{DecodeError, Problem},
    items::Items,
    writer::Writer,
};

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// The additional nanoseconds, less than a second.
    pub nanoseconds: u32,
}

/// The extension type of a timestamp. Source: the specification of MessagePack.
const TYPE: i8 = -1;

/// How many bits the seconds have in the form of 8 bytes. The nanoseconds are in the bits above
/// them.
const SECONDS_BITS: u32 = 34;

const NANOSECONDS: u32 = 1_000_000_000;

impl Timestamp {
    pub(crate) fn read(items: &mut Items, item: &'static str) -> Result<Self, DecodeError> {
        items.next(item)?;
        let (r#type, bytes) = items.extension(item)?;
        if r#type != TYPE {
            return Err(items.error(item, Problem::NoTimestamp));
        }
        let timestamp = match *bytes {
            [a, b, c, d] => {
                Self { seconds: u32::from_be_bytes([a, b, c, d]).into(), nanoseconds: 0 }
            }
            [a, b, c, d, e, f, g, h] => {
                let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
                let seconds = both & ((1 << SECONDS_BITS) - 1);
                Self { seconds: seconds as i64, nanoseconds: (both >> SECONDS_BITS) as u32 }
            }
            [a, b, c, d, e, f, g, h, i, j, k, l] => Self {
                seconds: i64::from_be_bytes([e, f, g, h, i, j, k, l]),
                nanoseconds: u32::from_be_bytes([a, b, c, d]),
            },
            _ => return Err(items.error(item, Problem::NoTimestamp)),
        };
        if timestamp.nanoseconds < NANOSECONDS {
            Ok(timestamp)
        } else {
            Err(items.error(item, Problem::Range))
        }
    }

    /// Writes the timestamp in its shortest form.
    pub(crate) fn write(&self, writer: &mut Writer) {
        let seconds = u64::try_from(self.seconds).ok().filter(|it| it >> SECONDS_BITS == 0);
        match (seconds, seconds.and_then(|seconds| u32::try_from(seconds).ok()), self.nanoseconds) {
            (_, Some(seconds), 0) => writer.extension(TYPE, &seconds.to_be_bytes()),
            (Some(seconds), _, nanoseconds) => {
                let both = u64::from(nanoseconds) << SECONDS_BITS | seconds;
                writer.extension(TYPE, &both.to_be_bytes());
            }
            (None, _, nanoseconds) => {
                let mut bytes = nanoseconds.to_be_bytes().to_vec();
                bytes.extend_from_slice(&self.seconds.to_be_bytes());
                writer.extension(TYPE, &bytes);
            }
        }
    }
}
