//! The filter of `:execute`: which connections a list of commands is for.
//!
//! A subset of OData: `and`, `or`, `not`, `in`, comparisons, parentheses and a dozen functions over
//! `connectionId`, `userId` and `groups`. Source: "OData filter syntax" of Azure Web PubSub, which
//! has the same filters.

mod evaluate;
mod lexer;
mod parser;

use std::str::FromStr;

pub(crate) use evaluate::Subject;

/// A filter whose syntax and types were checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter(Expression);

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the filter is wrong at character {position}: {problem}")]
pub(crate) struct FilterError {
    /// Counted in characters, from 1.
    position: usize,
    problem: String,
}

/// An expression. `and` and `or` hold all their operands, so that long chains are not deep.
#[derive(Clone, Debug, PartialEq)]
enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    Compare { comparison: Comparison, operands: Box<(Expression, Expression)> },
    InList { value: Box<Expression>, list: Vec<Literal> },
    InGroups(Box<Expression>),
    Call { function: Function, arguments: Vec<Expression> },
    LengthOfGroups,
    ConnectionId,
    UserId,
    Literal(Literal),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Literal {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    ToLower,
    ToUpper,
    Trim,
    Concat,
    Substring,
    IndexOf,
    Length,
    StartsWith,
    EndsWith,
    Contains,
}

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
