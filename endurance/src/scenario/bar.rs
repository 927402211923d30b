//! Limits on measured values.

use crate::Failure;

/// Fails if a value is above its limit.
pub(super) fn at_most<T: PartialOrd + std::fmt::Debug>(
    what: &str,
    is: T,
    may_be: T,
) -> Result<(), Failure> {
    if is <= may_be { Ok(()) } else { Err(format!("{what}: {is:?}, at most {may_be:?}").into()) }
}
