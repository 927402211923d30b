//! Splits a filter's text into tokens.

use super::error::FilterError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword, an identifier or a function.
    Word(String),
    Text(String),
    Integer(i64),
    Open,
    Close,
    Comma,
}

/// A token and its position, counted in characters from 1.
pub(super) type Placed = (usize, Token);

/// Splits a filter into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, FilterError> {
    let mut rest = text;
    let mut position = 1;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (length, token) = match first {
            c if c.is_whitespace() => (c.len_utf8(), None),
            '(' => (1, Some(Token::Open)),
            ')' => (1, Some(Token::Close)),
            ',' => (1, Some(Token::Comma)),
            '\'' => quoted(rest, position)?,
            '-' | '0'..='9' => integer(rest, position)?,
            c if c.is_ascii_alphabetic() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                (end, Some(Token::Word(rest[..end].to_owned())))
            }
            other => {
                return Err(FilterError {
                    position,
                    problem: format!("'{other}' means nothing here"),
                });
            }
        };
        tokens.extend(token.map(|token| (position, token)));
        position += rest[..length].chars().count();
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// Reads a text in single quotes. Two quotes inside stand for one.
fn quoted(text: &str, position: usize) -> Result<(usize, Option<Token>), FilterError> {
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c != '\'' {
            content.push(c);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            content.push('\'');
        } else {
            return Ok((at + 1, Some(Token::Text(content))));
        }
    }
    Err(FilterError { position, problem: "this text has no closing quote".to_owned() })
}

fn integer(text: &str, position: usize) -> Result<(usize, Option<Token>), FilterError> {
    let digits = text[1..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |end| end + 1);
    match text[..digits].parse() {
        Ok(number) => Ok((digits, Some(Token::Integer(number)))),
        Err(error) => Err(FilterError {
            position,
            problem: format!("'{}' is not an integer: {error}", &text[..digits]),
        }),
    }
}
