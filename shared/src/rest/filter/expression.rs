//! A complete filter: comparisons and the operators that join them.

use std::{fmt, ops::Not};

/// A filter that selects connections.
///
/// ```
/// use signalr_serverless::rest::Filter;
///
/// let ann = Filter::user_id().eq("ann");
/// let many_groups = Filter::groups().length().gt(5);
/// let filter = ann.or(many_groups).and(Filter::connection_id().starts_with("a"));
/// assert_eq!(
///     filter.to_string(),
///     "(userId eq 'ann' or length(groups) gt 5) and startswith(connectionId,'a')"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    odata: String,
    strength: Strength,
}

/// How strongly the outermost operator of a filter binds, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Strength {
    Or,
    And,
    Comparison,
    Not,
    /// A call or a literal, which never needs parentheses.
    Whole,
}

impl Filter {
    /// A filter that is already written in OData. The service checks it.
    ///
    /// Do not put input from outside into such a text: a quote in it would change the meaning.
    /// Build the filter from values instead.
    ///
    /// ```
    /// # use signalr_serverless::rest::Filter;
    /// let filter = Filter::from_odata("userId eq 'ann' or userId eq 'bob'");
    /// let open = Filter::connection_id().ne("c1");
    /// assert_eq!(
    ///     filter.and(open).to_string(),
    ///     "(userId eq 'ann' or userId eq 'bob') and connectionId ne 'c1'"
    /// );
    /// ```
    #[must_use]
    pub fn from_odata(odata: impl Into<String>) -> Self {
        Self { odata: odata.into(), strength: Strength::Or }
    }

    /// Matches if both this filter and the other match.
    ///
    /// ```
    /// # use signalr_serverless::rest::Filter;
    /// let id = Filter::connection_id;
    /// assert_eq!(
    ///     id().gt("a").and(id().lt("b")).to_string(),
    ///     "connectionId gt 'a' and connectionId lt 'b'"
    /// );
    /// ```
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.join("and", other, Strength::And)
    }

    /// Matches if this filter or the other matches.
    ///
    /// ```
    /// # use signalr_serverless::rest::Filter;
    /// let user = Filter::user_id;
    /// assert_eq!(
    ///     user().eq("ann").or(user().eq("bob")).to_string(),
    ///     "userId eq 'ann' or userId eq 'bob'"
    /// );
    /// ```
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.join("or", other, Strength::Or)
    }

    /// Compares the filter's result with `true` or `false`.
    ///
    /// ```
    /// # use signalr_serverless::rest::Filter;
    /// let filter = Filter::user_id().starts_with("a").is(false);
    /// assert_eq!(filter.to_string(), "startswith(userId,'a') eq false");
    /// ```
    #[must_use]
    pub fn is(self, truth: bool) -> Self {
        Self::new(format!("{} eq {truth}", self.at_least(Strength::Whole)), Strength::Comparison)
    }

    pub(super) fn comparison(left: &str, operator: &str, right: &str) -> Self {
        Self::new(format!("{left} {operator} {right}"), Strength::Comparison)
    }

    pub(super) fn call(function: &str, left: &str, right: &str) -> Self {
        Self::new(format!("{function}({left},{right})"), Strength::Whole)
    }

    fn new(odata: String, strength: Strength) -> Self {
        Self { odata, strength }
    }

    fn join(self, operator: &str, other: Self, strength: Strength) -> Self {
        let odata = format!("{} {operator} {}", self.at_least(strength), other.at_least(strength));
        Self { odata, strength }
    }

    /// The filter's text as an operand of an operator of this strength.
    fn at_least(&self, strength: Strength) -> String {
        if self.strength >= strength { self.odata.clone() } else { format!("({})", self.odata) }
    }
}

/// Negates the filter. `not` binds more strongly than a comparison, so the operand is in
/// parentheses.
///
/// ```
/// # use signalr_serverless::rest::Filter;
/// let filter = !Filter::user_id().eq("ann");
/// assert_eq!(filter.to_string(), "not (userId eq 'ann')");
/// ```
impl Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(format!("not {}", self.at_least(Strength::Whole)), Strength::Not)
    }
}

/// Matches all connections, or none.
///
/// ```
/// # use signalr_serverless::rest::Filter;
/// assert_eq!(Filter::from(true).to_string(), "true");
/// ```
impl From<bool> for Filter {
    fn from(truth: bool) -> Self {
        Self::new(truth.to_string(), Strength::Whole)
    }
}

/// Writes the filter in OData.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.odata)
    }
}
