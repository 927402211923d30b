//! Evaluates a filter for a connection.
//!
//! A connection without a user has a null `userId`. A function of null is null, and null is neither
//! greater nor less than anything.

use std::{borrow::Cow, cmp::Ordering};

use signalr_serverless::{ConnectionId, GroupName, UserId};

use super::expression::{Comparison, Expression, Function, Literal};

/// A connection as filters see it.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) connection: &'a ConnectionId,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) groups: &'a [GroupName],
}

#[derive(Clone, Debug, PartialEq)]
enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Text(Cow<'a, str>),
}

impl Expression {
    pub(super) fn is_true_of(&self, subject: &Subject<'_>) -> bool {
        self.value(subject) == Value::Bool(true)
    }

    fn value<'a>(&'a self, subject: &Subject<'a>) -> Value<'a> {
        match self {
            Self::And(operands) => {
                Value::Bool(operands.iter().all(|operand| operand.is_true_of(subject)))
            }
            Self::Or(operands) => {
                Value::Bool(operands.iter().any(|operand| operand.is_true_of(subject)))
            }
            Self::Not(operand) => Value::Bool(!operand.is_true_of(subject)),
            Self::Compare { comparison, operands } => {
                let (left, right) = (operands.0.value(subject), operands.1.value(subject));
                Value::Bool(comparison.holds(&left, &right))
            }
            Self::InList { value, list } => {
                let value = value.value(subject);
                Value::Bool(list.iter().any(|literal| literal.value() == value))
            }
            Self::InGroups(value) => match value.value(subject) {
                Value::Text(name) => {
                    Value::Bool(subject.groups.iter().any(|group| group.as_str() == name))
                }
                _ => Value::Bool(false),
            },
            Self::Call { function, arguments } => {
                function.call(arguments.iter().map(|argument| argument.value(subject)).collect())
            }
            Self::LengthOfGroups => count(subject.groups.len()),
            Self::ConnectionId => Value::Text(subject.connection.as_str().into()),
            Self::UserId => match subject.user {
                Some(user) => Value::Text(user.as_str().into()),
                None => Value::Null,
            },
            Self::Literal(literal) => literal.value(),
        }
    }
}

impl Literal {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Integer(value) => Value::Integer(*value),
            Self::Text(value) => Value::Text(value.into()),
        }
    }
}

impl Comparison {
    fn holds(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        let order = match (left, right) {
            (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            _ => None,
        };
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
        }
    }
}

impl Function {
    fn call<'a>(self, arguments: Vec<Value<'a>>) -> Value<'a> {
        let is_question = matches!(self, Self::StartsWith | Self::EndsWith | Self::Contains);
        let text = |value: String| Value::Text(value.into());
        match (self, arguments.as_slice()) {
            (Self::ToLower, [Value::Text(one)]) => text(one.to_lowercase()),
            (Self::ToUpper, [Value::Text(one)]) => text(one.to_uppercase()),
            (Self::Trim, [Value::Text(one)]) => text(one.trim().to_owned()),
            (Self::Length, [Value::Text(one)]) => count(one.chars().count()),
            (Self::Concat, [Value::Text(one), Value::Text(other)]) => text(format!("{one}{other}")),
            (Self::IndexOf, [Value::Text(one), Value::Text(other)]) => {
                match one.find(other.as_ref()) {
                    Some(at) => count(one[..at].chars().count()),
                    None => Value::Integer(-1),
                }
            }
            (Self::StartsWith, [Value::Text(one), Value::Text(other)]) => {
                Value::Bool(one.starts_with(other.as_ref()))
            }
            (Self::EndsWith, [Value::Text(one), Value::Text(other)]) => {
                Value::Bool(one.ends_with(other.as_ref()))
            }
            (Self::Contains, [Value::Text(one), Value::Text(other)]) => {
                Value::Bool(one.contains(other.as_ref()))
            }
            (Self::Substring, [Value::Text(one), Value::Integer(from)]) => {
                text(one.chars().skip(size(*from)).collect())
            }
            (Self::Substring, [Value::Text(one), Value::Integer(from), Value::Integer(length)]) => {
                text(one.chars().skip(size(*from)).take(size(*length)).collect())
            }
            _ if is_question => Value::Bool(false),
            _ => Value::Null,
        }
    }
}

fn count(count: usize) -> Value<'static> {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A position or length in a text. A negative number counts as 0.
fn size(number: i64) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX)
}
