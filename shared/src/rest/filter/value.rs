//! The values that a filter compares: texts, numbers and the groups of a connection.

use std::borrow::Borrow;

use super::expression::Filter;
use crate::name::{ConnectionId, GroupName, UserId};

macro_rules! comparisons {
    ($value:ty, $($(#[$doc:meta])* $name:ident)+) => {
        impl $value {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(self, other: impl Into<Self>) -> Filter {
                    self.compare(stringify!($name), &other.into().0)
                }
            )+

            /// Whether there is no value.
            #[must_use]
            pub fn is_null(self) -> Filter {
                self.compare("eq", "null")
            }

            /// Whether there is a value.
            #[must_use]
            pub fn is_not_null(self) -> Filter {
                self.compare("ne", "null")
            }

            fn compare(&self, operator: &str, other: &str) -> Filter {
                Filter::comparison(&self.0, operator, other)
            }

            fn compare_to_list(&self, literals: &[String]) -> Filter {
                match literals {
                    [] => Filter::from(false),
                    _ => self.compare("in", &format!("({})", literals.join(","))),
                }
            }
        }
    };
}

/// A text: a field of the connection, a given text, or a result of these methods.
///
/// ```
/// use signalr_serverless::rest::{Filter, filter::Text};
///
/// let user = Filter::user_id().trim().to_lower();
/// assert_eq!(user.eq("ann").to_string(), "tolower(trim(userId)) eq 'ann'");
/// let both = Text::from("ann-").concat(Filter::connection_id());
/// assert_eq!(
///     Filter::user_id().is_in(["ann", "bob"]).and(both.ne("")).to_string(),
///     "userId in ('ann','bob') and concat('ann-',connectionId) ne ''"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text(String);

comparisons! {
    Text,
    /// Whether the texts are equal; case matters.
    eq
    /// Whether the texts differ.
    ne
    /// Whether this text comes after the other.
    gt
    /// Whether this text equals the other or comes after it.
    ge
    /// Whether this text comes before the other.
    lt
    /// Whether this text equals the other or comes before it.
    le
}

impl Text {
    /// Whether the text is one of these; false if there are none.
    #[must_use]
    pub fn is_in<V: Borrow<str>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        let values: Vec<_> = values.into_iter().map(|value| quote(value.borrow())).collect();
        self.compare_to_list(&values)
    }

    /// Whether the text begins with `prefix`.
    #[must_use]
    pub fn starts_with(self, prefix: impl Into<Self>) -> Filter {
        self.test("startswith", &prefix.into())
    }

    /// Whether the text ends with `suffix`.
    #[must_use]
    pub fn ends_with(self, suffix: impl Into<Self>) -> Filter {
        self.test("endswith", &suffix.into())
    }

    /// Whether the text contains `part`.
    #[must_use]
    pub fn contains(self, part: impl Into<Self>) -> Filter {
        self.test("contains", &part.into())
    }

    /// The text in lower case.
    #[must_use]
    pub fn to_lower(self) -> Self {
        Self(format!("tolower({})", self.0))
    }

    /// The text in upper case.
    #[must_use]
    pub fn to_upper(self) -> Self {
        Self(format!("toupper({})", self.0))
    }

    /// The text without white space at its ends.
    #[must_use]
    pub fn trim(self) -> Self {
        Self(format!("trim({})", self.0))
    }

    /// This text followed by the other.
    #[must_use]
    pub fn concat(self, other: impl Into<Self>) -> Self {
        Self(format!("concat({},{})", self.0, other.into().0))
    }

    /// The text from a position on; the first is 0.
    #[must_use]
    pub fn substring(self, start: impl Into<Number>) -> Self {
        Self(format!("substring({},{})", self.0, start.into().0))
    }

    /// `length` characters of the text from a position on; the first is 0.
    #[must_use]
    pub fn substring_of_length(self, start: impl Into<Number>, length: impl Into<Number>) -> Self {
        Self(format!("substring({},{},{})", self.0, start.into().0, length.into().0))
    }

    /// The length of the text.
    #[must_use]
    pub fn length(self) -> Number {
        Number(format!("length({})", self.0))
    }

    /// The first position of `part` in the text; -1 if it is not there.
    #[must_use]
    pub fn index_of(self, part: impl Into<Self>) -> Number {
        Number(format!("indexof({},{})", self.0, part.into().0))
    }

    pub(super) fn field(name: &str) -> Self {
        Self(name.to_owned())
    }

    fn test(&self, function: &str, other: &Self) -> Filter {
        Filter::call(function, &self.0, &other.0)
    }
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The text in quotes; a quote inside is doubled.
impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(quote(text))
    }
}

macro_rules! text_from {
    ($($given:ty),+) => {$(
        impl From<&$given> for Text {
            fn from(text: &$given) -> Self {
                text.as_str().into()
            }
        }
    )+};
}

text_from!(String, ConnectionId, GroupName, UserId);

/// A whole number: a given number, a length or a position.
///
/// ```
/// use signalr_serverless::rest::Filter;
///
/// let filter = Filter::user_id().length().ge(3);
/// assert_eq!(filter.to_string(), "length(userId) ge 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(String);

comparisons! {
    Number,
    /// Whether the numbers are equal.
    eq
    /// Whether the numbers differ.
    ne
    /// Whether this number is greater.
    gt
    /// Whether this number is greater or equal.
    ge
    /// Whether this number is less.
    lt
    /// Whether this number is less or equal.
    le
}

impl Number {
    /// Whether the number is one of these; false if there are none.
    #[must_use]
    pub fn is_in(self, values: impl IntoIterator<Item = i64>) -> Filter {
        let values: Vec<_> = values.into_iter().map(|value| value.to_string()).collect();
        self.compare_to_list(&values)
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

/// The groups that a connection is in.
///
/// ```
/// use signalr_serverless::rest::Filter;
///
/// let filter = Filter::groups().contains("g").or(Filter::groups().length().eq(0));
/// assert_eq!(filter.to_string(), "'g' in groups or length(groups) eq 0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Groups(());

impl Groups {
    pub(super) fn field() -> Self {
        Self(())
    }

    /// Whether this group is among them.
    #[must_use]
    pub fn contains(self, group: impl Into<Text>) -> Filter {
        group.into().compare("in", "groups")
    }

    /// The number of groups.
    #[must_use]
    pub fn length(self) -> Number {
        Number("length(groups)".to_owned())
    }
}
