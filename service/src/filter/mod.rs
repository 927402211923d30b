//! The filter of `:execute`: which connections a list of commands is for.
//!
//! A subset of OData: `and`, `or`, `not`, `in`, comparisons, parentheses and a dozen functions over
//! `connectionId`, `userId` and `groups`. Source: "OData filter syntax" of Azure Web PubSub, which
//! has the same filters.

mod error;
mod evaluate;
mod expression;
mod lexer;
mod parser;

use std::str::FromStr;

use self::expression::Expression;
pub(crate) use self::{error::FilterError, evaluate::Subject};

/// A filter whose syntax and types were checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter(Expression);

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        parser::parse(text).map(Self)
    }
}

impl Filter {
    pub(crate) fn matches(&self, subject: &Subject<'_>) -> bool {
        self.0.is_true_of(subject)
    }
}

#[cfg(test)]
mod tests;
