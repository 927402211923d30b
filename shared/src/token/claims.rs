//! The claims of a received token, and the user that they name.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use super::claim;

/// The claims of a token, in the token's order.
///
/// ```
/// use signalr_serverless::token::Claims;
///
/// let claims: Claims = serde_json::from_str(r#"{"role":"a","sub":"ann"}"#)?;
/// assert_eq!(claims.get("role").unwrap(), "a");
/// assert_eq!(claims.user().as_deref(), Some("ann"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims(Vec<(String, Value)>);

impl Claims {
    /// The value of a claim.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Every claim, in the token's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The id of the user, which is the name identifier in ASP.NET.
    ///
    /// `asrs.s.uid` has priority. Otherwise it is the first claim of the token that is a name
    /// identifier: `nameid`, `sub`, or the URI of its type. If there are several values, the first
    /// one counts. A number counts as its text. An empty id means no user.
    ///
    /// ```
    /// use signalr_serverless::token::Claims;
    ///
    /// let claims: Claims = serde_json::from_str(r#"{"sub":[7,8],"asrs.s.uid":null}"#)?;
    /// assert_eq!(claims.user().as_deref(), Some("7"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<String> {
        match self.get(claim::USER_ID).and_then(first_text) {
            Some(user) => Some(user).filter(|user| !user.is_empty()),
            None => self.name_identifier(),
        }
    }

    /// The id of the user without the service's own claim `asrs.s.uid`, for a token of another
    /// login system.
    ///
    /// ```
    /// use signalr_serverless::token::Claims;
    ///
    /// let claims: Claims = serde_json::from_str(r#"{"sub":"ann","asrs.s.uid":"bob"}"#)?;
    /// assert_eq!(claims.name_identifier().as_deref(), Some("ann"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn name_identifier(&self) -> Option<String> {
        let mut named = self.iter().filter(|(name, _)| claim::is_name_identifier(name));
        let user = named.find_map(|(_, value)| first_text(value));
        user.filter(|user| !user.is_empty())
    }
}

/// Makes claims in the given order. If a name is given twice, both values stay.
///
/// ```
/// use signalr_serverless::token::Claims;
///
/// let claims = Claims::from_iter([("sub".to_owned(), "ann".into())]);
/// assert_eq!(claims.user().as_deref(), Some("ann"));
/// ```
impl FromIterator<(String, Value)> for Claims {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(claims: I) -> Self {
        Self(claims.into_iter().collect())
    }
}

/// The first value of a claim, as in ASP.NET: a text, or the text of a number or boolean.
///
/// ```
/// use serde_json::json;
/// use signalr_serverless::token::first_text;
///
/// assert_eq!(first_text(&json!(["ann", "bob"])).as_deref(), Some("ann"));
/// assert_eq!(first_text(&json!(42)).as_deref(), Some("42"));
/// assert_eq!(first_text(&json!({ "name": "ann" })), None);
/// ```
#[must_use]
pub fn first_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Array(values) => values.iter().find_map(first_text),
        Value::Null | Value::Object(_) => None,
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of claims")
    }

    /// If a name comes twice, the last value counts, as in most readers of tokens.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut claims: Vec<(String, Value)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            match claims.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => claims.push((name, value)),
            }
        }
        Ok(Claims(claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(claims: &str) -> Option<String> {
        serde_json::from_str::<Claims>(claims).unwrap().user()
    }

    #[test]
    fn the_user_is_what_aspnet_takes_as_the_name_identifier() {
        const URI: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
        for (claims, expected) in [
            (r#"{"sub":"s","nameid":"n","asrs.s.uid":"u"}"#.to_owned(), Some("u")),
            (r#"{"nameid":"n","sub":"s"}"#.to_owned(), Some("n")),
            (r#"{"sub":"s","nameid":"n"}"#.to_owned(), Some("s")),
            (format!(r#"{{"{URI}":"l"}}"#), Some("l")),
            (format!(r#"{{"{URI}":"l","sub":"s"}}"#), Some("l")),
            (r#"{"sub":["a","b"]}"#.to_owned(), Some("a")),
            (r#"{"sub":[],"nameid":"n"}"#.to_owned(), Some("n")),
            (r#"{"sub":12345678901234567890}"#.to_owned(), Some("12345678901234567890")),
            (r#"{"sub":-1.5}"#.to_owned(), Some("-1.5")),
            (r#"{"sub":[true]}"#.to_owned(), Some("true")),
            (r#"{"sub":{"a":1},"nameid":null}"#.to_owned(), None),
            (r#"{"name":"x","oid":"y"}"#.to_owned(), None),
            (r#"{"asrs.s.uid":"","sub":"s"}"#.to_owned(), None),
            (r#"{"sub":"a","sub":"b"}"#.to_owned(), Some("b")),
        ] {
            assert_eq!(user(&claims).as_deref(), expected, "{claims}");
        }
    }
}
