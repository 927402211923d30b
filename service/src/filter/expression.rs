//! A filter as a tree.

/// An expression. `and` and `or` have lists of operands, so that long chains are not deep.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
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
pub(super) enum Literal {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
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
