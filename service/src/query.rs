//! Query parameters, whose names are matched without regard to case.

/// The query of a request.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let query = query.unwrap_or_default();
        if query.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
            return Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect());
        }
        // Nothing is encoded. Most queries are so, and a token is long.
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The first value of a parameter.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter, in order.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// Whether every parameter of `other` is here too, with the same value.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|(key, value)| self.all(key).any(|one| one == value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_any_case_and_values_are_decoded() {
        let query = Query::parse(Some("Excluded=a%2Fb&excluded=c+d&x"));
        assert_eq!(query.all("excluded").collect::<Vec<_>>(), ["a/b", "c d"]);
        assert_eq!(query.first("X"), Some(""));
        assert_eq!(query.first("y"), None);
        assert_eq!(Query::parse(None).first("x"), None);
    }

    #[test]
    fn a_query_without_escapes_is_split_as_any_other() {
        for query in
            ["", "&", "a", "a=", "=a", "a=b=c&&d", "hub=chat&id=x&access_token=a.b-c_d", "ä=ö"]
        {
            let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            assert_eq!(Query::parse(Some(query)).0, pairs, "{query}");
        }
    }
}
