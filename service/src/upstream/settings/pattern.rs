//! The names that a template matches.

use std::fmt;

/// A pattern of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Any,
    /// Exactly one of these names. An empty list matches nothing.
    Names(Vec<String>),
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Names(names) if names.is_empty() => f.write_str("none"),
            Self::Names(names) => f.write_str(&names.join(",")),
        }
    }
}

impl Pattern {
    /// Parses `*`, or names separated by commas.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        if names == ["*"] {
            return Ok(Self::Any);
        }
        if names.contains(&"*") {
            return Err("has * among names; use * alone, or names alone");
        }
        if names.contains(&"") {
            return Err("has an empty name; use * or names with commas between");
        }
        Ok(Self::Names(names.into_iter().map(str::to_owned).collect()))
    }

    /// A pattern that matches nothing.
    pub(super) fn nothing() -> Self {
        Self::Names(Vec::new())
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Names(names) => names.iter().any(|one| one == name),
        }
    }

    pub(super) fn matches_something(&self) -> bool {
        *self != Self::nothing()
    }

    /// The same pattern for names that are kept in lower case.
    pub(super) fn to_lowercase(&self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Names(names) => {
                Self::Names(names.iter().map(|name| name.to_ascii_lowercase()).collect())
            }
        }
    }

    /// The first name of the pattern that is not among the known ones.
    pub(super) fn unknown<'a>(&'a self, known: &[&str]) -> Option<&'a str> {
        match self {
            Self::Any => None,
            Self::Names(names) => {
                names.iter().map(String::as_str).find(|name| !known.contains(name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_all_and_names_match_to_the_letter() {
        assert!(Pattern::parse(" * ").unwrap().matches("whatever"));
        let names = Pattern::parse("send , Join,a b").unwrap();
        for name in ["send", "Join", "a b"] {
            assert!(names.matches(name), "{name}");
        }
        for name in ["Send", "join", "", "*", "send,Join", "sen"] {
            assert!(!names.matches(name), "{name}");
        }
        assert!(!Pattern::nothing().matches("send"));
    }

    #[test]
    fn what_can_be_meant_in_two_ways_is_refused() {
        for (text, part) in
            [("", "empty"), ("a,,b", "empty"), ("a,", "empty"), ("*,a", "*"), ("a, *", "*")]
        {
            assert!(Pattern::parse(text).unwrap_err().contains(part), "{text}");
        }
    }
}
