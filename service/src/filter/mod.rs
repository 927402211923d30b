//! The filter of `:execute`, which selects the connections for a list of commands.
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

/// A filter with checked syntax and types.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter {
    expression: Expression,
    /// The original text, for other nodes.
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

    /// The original text of the filter.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests;
