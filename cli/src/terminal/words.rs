//! Splits a line into words.

use serde_json::Value;

/// The words of a line. Quotes hold words together, as in a shell.
#[derive(Debug)]
pub(crate) struct Words(std::vec::IntoIter<String>);

impl Words {
    /// Splits a line. A line that begins with `#` has no words.
    pub(crate) fn of(line: &str) -> Result<Self, String> {
        let words = shlex::split(line).ok_or_else(|| {
            format!("'{}' has a quote without its end; close it, or write \\' for one", line.trim())
        })?;
        Ok(Self(words.into_iter()))
    }

    /// The next word. Fails with `what` if there is none.
    pub(crate) fn need(&mut self, what: &str) -> Result<String, String> {
        self.0.next().ok_or_else(|| format!("{what} is missing"))
    }

    pub(crate) fn next(&mut self) -> Option<String> {
        self.0.next()
    }

    /// The remaining words as arguments.
    pub(crate) fn arguments(self) -> Vec<Value> {
        self.0.map(|word| argument(&word)).collect()
    }

    /// Fails if words remain.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.0.next().map_or(Ok(()), |word| Err(format!("'{word}' is one word too many")))
    }
}

/// A word as an argument: JSON if it parses as JSON, otherwise a text.
fn argument(word: &str) -> Value {
    serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_become_arguments() {
        let words = Words::of(r#"ann 42 '{"a": [1]}' "two words" '"42"' null"#).unwrap();
        let expected = [
            json!("ann"),
            json!(42),
            json!({ "a": [1] }),
            json!("two words"),
            json!("42"),
            json!(null),
        ];
        assert_eq!(words.arguments(), expected);
        assert!(Words::of("a 'b").unwrap_err().contains("quote"));
        assert!(Words::of("# a note").unwrap().next().is_none());
    }
}
