//! The claims of a client's token in one header: `type: value, type: value`.
//!
//! There is no escape, so a value with a comma arrives only up to the comma. [`to_header`] has an example.

use http::HeaderValue;

use crate::token::claim;

/// The separator between two claims. Readers split at the comma only.
const BETWEEN_CLAIMS: &str = ", ";
/// The separator between a claim's type and its value.
const AFTER_TYPE: &str = ": ";

/// The header's value; `None` if no claim can be in it.
///
/// Claims that are not valid in a header are left out, and also claims of which a part would be
/// read as another claim.
///
/// ```
/// use signalr_serverless::upstream::claims;
///
/// let claims = [("role", "a"), ("note", "x, sub: bob")].map(|(t, v)| (t.into(), v.into()));
/// assert_eq!(claims::to_header(&claims).unwrap(), "role: a");
/// ```
#[must_use]
pub fn to_header(claims: &[(String, String)]) -> Option<HeaderValue> {
    let claims: Vec<String> = claims
        .iter()
        .filter(|(r#type, value)| {
            let has_claim = |text: &str| text.contains(AFTER_TYPE);
            !r#type.contains(',') && !has_claim(r#type) && !value.split(',').skip(1).any(has_claim)
        })
        .map(|(r#type, value)| format!("{type}{AFTER_TYPE}{value}"))
        .filter(|claim| HeaderValue::from_bytes(claim.as_bytes()).is_ok())
        .collect();
    let value = HeaderValue::from_bytes(claims.join(BETWEEN_CLAIMS).as_bytes()).ok()?;
    (!value.is_empty()).then_some(value)
}

/// The claims of a header, as type and value.
///
/// Parts that are not claims are left out, as in Microsoft's own reader. A type that was prefixed
/// in the token gets its own name back.
///
/// ```
/// use signalr_serverless::upstream::claims;
///
/// let claims = claims::from_header("role: a, asrs.u.exp: x, odd");
/// assert_eq!(claims, [("role", "a"), ("exp", "x")].map(|(t, v)| (t.into(), v.into())));
/// ```
#[must_use]
pub fn from_header(header: &str) -> Vec<(String, String)> {
    let pairs = header.split(',').filter_map(|claim| claim.trim().split_once(AFTER_TYPE));
    let named = pairs.map(|(r#type, value)| {
        let r#type = r#type.strip_prefix(claim::USER_PREFIX).unwrap_or(r#type);
        (r#type.to_owned(), value.trim().to_owned())
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let written = claims(&[("sub", "Änn"), ("role", "a"), ("role", "b"), ("url", "http://x")]);
        let header = to_header(&written).unwrap();
        assert_eq!(from_header(str::from_utf8(header.as_bytes()).unwrap()), written);
    }

    #[test]
    fn no_claim_is_read_as_another() {
        for bad in [("a,b", "c"), ("a: b", "c"), ("a", "b, sub: bob"), ("a", "b\nc")] {
            assert_eq!(to_header(&claims(&[bad])), None, "{bad:?}");
            assert_eq!(to_header(&claims(&[bad, ("x", "y")])).unwrap(), "x: y");
        }
        assert_eq!(to_header(&claims(&[("a", "Doe, J")])).unwrap(), "a: Doe, J");
        assert_eq!(from_header("a: Doe, J"), claims(&[("a", "Doe")]));
    }
}
