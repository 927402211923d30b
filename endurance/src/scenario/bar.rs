//! What may not be more than it is said to be.

use crate::Failure;

/// Fails if something is more than it may be.
pub(super) fn at_most<T: PartialOrd + std::fmt::Debug>(
    what: &str,
    is: T,
    may_be: T,
) -> Result<(), Failure> {
    if is <= may_be { Ok(()) } else { Err(format!("{what}: {is:?}, and not {may_be:?}").into()) }
}
