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
pub(crate) struct Filter {
    expression: Expression,
    /// As it came, for other nodes.
    text: Box<str>,
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Ok(Self { expression: parser::parse(text)?, text: text.into() })
    }
}

impl Filter {
    pub(crate) fn matches(&self, subject: &Subject<'_>) -> bool {
        self.expression.is_true_of(subject)
    }

    /// The filter as it came.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests;
