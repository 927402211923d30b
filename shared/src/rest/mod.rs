//! The REST side of the data plane: the table of operations and the client that calls them.

mod operation;

pub use operation::{ApiVersion, Operation, Route, UnknownApiVersion};
