//! Filters select the connections for the commands of [`Hub::execute`](super::Hub::execute), in
//! OData filter syntax.
//!
//! A filter is built from values, so quotes and parentheses are right for every name:
//!
//! ```
//! use signalr_serverless::rest::Filter;
//!
//! let filter = Filter::user_id().eq("o'neill").and(!Filter::groups().contains("vip"));
//! assert_eq!(filter.to_string(), "userId eq 'o''neill' and not ('vip' in groups)");
//! ```

mod expression;
mod field;
mod value;

pub use self::{
    expression::Filter,
    value::{Groups, Number, Text},
};

#[cfg(test)]
mod tests;
