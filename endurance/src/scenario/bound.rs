//! What a scenario measured, against what it may be.

use std::fmt::Debug;

use crate::Failure;

/// Fails if something is more than it may be.
pub(super) fn at_most<T: PartialOrd + Debug>(what: &str, is: T, may_be: T) -> Result<(), Failure> {
    if is <= may_be { Ok(()) } else { Err(format!("{what}: {is:?}, and not {may_be:?}").into()) }
}
