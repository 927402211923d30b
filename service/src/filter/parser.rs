//! Parses tokens to an expression whose types fit.
//!
//! The operators, from the weakest to the strongest: `or`, `and`, comparisons and `in`, `not`. So
//! `not length(userId) gt 5` negates a number, and the error names the position.

use std::fmt;

use super::{
    error::FilterError,
    expression::{Comparison, Expression, Function, Literal},
    lexer::{Placed, Token, tokens},
};

/// The largest depth of nested parentheses and calls.
const MAX_DEPTH: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Null,
    Bool,
    Integer,
    Text,
    Groups,
}

/// An expression with its type and its position.
struct Typed {
    expression: Parsed,
    kind: Type,
    position: usize,
}

/// `groups` is not a value: it is allowed only after `in` and in `length`.
enum Parsed {
    Value(Expression),
    Groups,
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Placed>>,
    /// The position of the text's end.
    end: usize,
    depth: usize,
}

pub(super) fn parse(text: &str) -> Result<Expression, FilterError> {
    let mut parser = Parser {
        tokens: tokens(text)?.into_iter().peekable(),
        end: text.chars().count() + 1,
        depth: 0,
    };
    let whole = parser.or()?;
    if let Some((position, token)) = parser.tokens.next() {
        return Err(error(position, format!("{token} comes behind the end of the filter")));
    }
    whole.expect(Type::Bool, "a filter")
}

fn error(position: usize, problem: impl Into<String>) -> FilterError {
    FilterError { position, problem: problem.into() }
}

impl Parser {
    fn or(&mut self) -> Result<Typed, FilterError> {
        self.chain("or", Self::and, Expression::Or)
    }

    fn and(&mut self) -> Result<Typed, FilterError> {
        self.chain("and", Self::comparison, Expression::And)
    }

    fn chain(
        &mut self,
        word: &'static str,
        operand: fn(&mut Self) -> Result<Typed, FilterError>,
        join: fn(Vec<Expression>) -> Expression,
    ) -> Result<Typed, FilterError> {
        let first = operand(self)?;
        if !self.next_is(word) {
            return Ok(first);
        }
        let position = first.position;
        let mut operands = vec![first.expect(Type::Bool, word)?];
        while self.take_word(word) {
            operands.push(operand(self)?.expect(Type::Bool, word)?);
        }
        Ok(Typed::value(join(operands), Type::Bool, position))
    }

    fn comparison(&mut self) -> Result<Typed, FilterError> {
        let left = self.unary()?;
        if self.take_word("in") {
            return self.membership(left);
        }
        let Some(comparison) = self.take_comparison() else { return Ok(left) };
        let right = self.unary()?;
        let position = left.position;
        let is_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let fits = match (left.kind, right.kind) {
            (Type::Groups, _) | (_, Type::Groups) => false,
            (Type::Bool, _) | (_, Type::Bool) if is_order => false,
            (Type::Null, _) | (_, Type::Null) => true,
            (one, other) => one == other,
        };
        if !fits {
            let problem = format!("{} and {} cannot be compared so", left.kind, right.kind);
            return Err(error(position, problem));
        }
        let operands = Box::new((left.into_value()?, right.into_value()?));
        Ok(Typed::value(Expression::Compare { comparison, operands }, Type::Bool, position))
    }

    /// Parses the operand after `in`: the groups, or a list of literals.
    fn membership(&mut self, value: Typed) -> Result<Typed, FilterError> {
        let position = value.position;
        if self.take_word("groups") {
            let value = Box::new(value.expect(Type::Text, "'in groups'")?);
            return Ok(Typed::value(Expression::InGroups(value), Type::Bool, position));
        }
        self.take(&Token::Open, "'groups' or '(' with a list behind 'in'")?;
        let mut list = Vec::new();
        loop {
            list.push(self.literal(value.kind)?);
            if !self.take_if(&Token::Comma) {
                break;
            }
        }
        self.take(&Token::Close, "',' or ')' in a list")?;
        let value = Box::new(value.into_value()?);
        Ok(Typed::value(Expression::InList { value, list }, Type::Bool, position))
    }

    fn literal(&mut self, kind: Type) -> Result<Literal, FilterError> {
        let typed = self.primary()?;
        let position = typed.position;
        let is_same = typed.kind == kind || typed.kind == Type::Null || kind == Type::Null;
        match typed.expression {
            Parsed::Value(Expression::Literal(literal)) if is_same => Ok(literal),
            Parsed::Value(Expression::Literal(_)) => {
                Err(error(position, format!("{kind} is looked for among {}", typed.kind)))
            }
            _ => Err(error(position, "a list holds texts, integers, true, false and null only")),
        }
    }

    fn unary(&mut self) -> Result<Typed, FilterError> {
        let position = self.position();
        if !self.take_word("not") {
            return self.primary();
        }
        let operand = self.deeper(position, Self::unary)?.expect(Type::Bool, "not")?;
        Ok(Typed::value(Expression::Not(Box::new(operand)), Type::Bool, position))
    }

    fn primary(&mut self) -> Result<Typed, FilterError> {
        let position = self.position();
        let literal =
            |literal, kind| Ok(Typed::value(Expression::Literal(literal), kind, position));
        match self.tokens.next().map(|(_, token)| token) {
            Some(Token::Text(text)) => literal(Literal::Text(text), Type::Text),
            Some(Token::Integer(number)) => literal(Literal::Integer(number), Type::Integer),
            Some(Token::Open) => {
                let inner = self.deeper(position, Self::or)?;
                self.take(&Token::Close, "')'")?;
                Ok(Typed { position, ..inner })
            }
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "null" => literal(Literal::Null, Type::Null),
                "true" => literal(Literal::Bool(true), Type::Bool),
                "false" => literal(Literal::Bool(false), Type::Bool),
                "connectionid" => Ok(Typed::value(Expression::ConnectionId, Type::Text, position)),
                "userid" => Ok(Typed::value(Expression::UserId, Type::Text, position)),
                "groups" => Ok(Typed { expression: Parsed::Groups, kind: Type::Groups, position }),
                name => match Function::named(name) {
                    Some(function) => self.call(function, position),
                    None => Err(error(
                        position,
                        format!(
                            "'{word}' is not known; there are connectionId, userId, groups and functions"
                        ),
                    )),
                },
            },
            Some(token) => Err(error(position, format!("a value is expected, but {token} came"))),
            None => Err(error(position, "a value is expected, but the filter ends")),
        }
    }

    fn call(&mut self, function: Function, position: usize) -> Result<Typed, FilterError> {
        self.take(&Token::Open, "'(' behind a function")?;
        let mut arguments = Vec::new();
        if !self.take_if(&Token::Close) {
            loop {
                arguments.push(self.deeper(position, Self::or)?);
                if !self.take_if(&Token::Comma) {
                    break;
                }
            }
            self.take(&Token::Close, "',' or ')' behind an argument")?;
        }
        if let (Function::Length, [Typed { expression: Parsed::Groups, .. }]) =
            (function, arguments.as_slice())
        {
            return Ok(Typed::value(Expression::LengthOfGroups, Type::Integer, position));
        }
        let (kinds, optional) = function.parameters();
        if arguments.len() > kinds.len() || arguments.len() < kinds.len() - optional {
            let problem = format!("{} arguments are too many or too few here", arguments.len());
            return Err(error(position, problem));
        }
        let arguments: Result<Vec<Expression>, FilterError> = arguments
            .into_iter()
            .zip(kinds)
            .map(|(argument, kind)| argument.expect(*kind, "this argument"))
            .collect();
        let call = Expression::Call { function, arguments: arguments? };
        Ok(Typed::value(call, function.result(), position))
    }

    /// Parses a nested part, up to the largest depth.
    fn deeper(
        &mut self,
        position: usize,
        inner: fn(&mut Self) -> Result<Typed, FilterError>,
    ) -> Result<Typed, FilterError> {
        if self.depth == MAX_DEPTH {
            return Err(error(
                position,
                format!("more than {MAX_DEPTH} levels stand within each other"),
            ));
        }
        self.depth += 1;
        let typed = inner(self);
        self.depth -= 1;
        typed
    }

    fn position(&mut self) -> usize {
        self.tokens.peek().map_or(self.end, |(position, _)| *position)
    }

    fn next_is(&mut self, word: &str) -> bool {
        let next = self.tokens.peek();
        next.is_some_and(
            |(_, token)| matches!(token, Token::Word(came) if came.eq_ignore_ascii_case(word)),
        )
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.next_is(word);
        if is_next {
            self.tokens.next();
        }
        is_next
    }

    fn take_if(&mut self, token: &Token) -> bool {
        self.tokens.next_if(|(_, next)| next == token).is_some()
    }

    fn take(&mut self, token: &Token, expected: &str) -> Result<(), FilterError> {
        let position = self.position();
        match self.tokens.next() {
            Some((_, next)) if next == *token => Ok(()),
            Some((_, next)) => {
                Err(error(position, format!("{expected} is expected, but {next} came")))
            }
            None => Err(error(position, format!("{expected} is expected, but the filter ends"))),
        }
    }

    fn take_comparison(&mut self) -> Option<Comparison> {
        [
            ("eq", Comparison::Equal),
            ("ne", Comparison::NotEqual),
            ("gt", Comparison::Greater),
            ("ge", Comparison::GreaterOrEqual),
            ("lt", Comparison::Less),
            ("le", Comparison::LessOrEqual),
        ]
        .into_iter()
        .find(|(word, _)| self.take_word(word))
        .map(|(_, comparison)| comparison)
    }
}

impl Typed {
    fn value(expression: Expression, kind: Type, position: usize) -> Self {
        Self { expression: Parsed::Value(expression), kind, position }
    }

    /// The expression, if it is of this type. `null` may stand for a text or an integer.
    fn expect(self, kind: Type, whose: &str) -> Result<Expression, FilterError> {
        let is_null = self.kind == Type::Null && kind != Type::Bool;
        if self.kind != kind && !is_null {
            let problem = format!("{whose} takes {kind}, but this is {}", self.kind);
            return Err(error(self.position, problem));
        }
        self.into_value()
    }

    fn into_value(self) -> Result<Expression, FilterError> {
        match self.expression {
            Parsed::Value(expression) => Ok(expression),
            Parsed::Groups => {
                Err(error(self.position, "'groups' stands behind 'in' and in length(groups) only"))
            }
        }
    }
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "tolower" => Self::ToLower,
            "toupper" => Self::ToUpper,
            "trim" => Self::Trim,
            "concat" => Self::Concat,
            "substring" => Self::Substring,
            "indexof" => Self::IndexOf,
            "length" => Self::Length,
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "contains" => Self::Contains,
            _ => return None,
        })
    }

    /// The types of the parameters, and how many of the last may be left out.
    fn parameters(self) -> (&'static [Type], usize) {
        match self {
            Self::ToLower | Self::ToUpper | Self::Trim | Self::Length => (&[Type::Text], 0),
            Self::Substring => (&[Type::Text, Type::Integer, Type::Integer], 1),
            Self::Concat | Self::IndexOf | Self::StartsWith | Self::EndsWith | Self::Contains => {
                (&[Type::Text, Type::Text], 0)
            }
        }
    }

    fn result(self) -> Type {
        match self {
            Self::ToLower | Self::ToUpper | Self::Trim | Self::Concat | Self::Substring => {
                Type::Text
            }
            Self::IndexOf | Self::Length => Type::Integer,
            Self::StartsWith | Self::EndsWith | Self::Contains => Type::Bool,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Integer => "an integer",
            Self::Text => "a text",
            Self::Groups => "the groups",
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "'{word}'"),
            Self::Text(_) => f.write_str("a text"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Open => f.write_str("'('"),
            Self::Close => f.write_str("')'"),
            Self::Comma => f.write_str("','"),
        }
    }
}
