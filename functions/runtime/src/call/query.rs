//! Query parameters by name.

use axum::http::Uri;
use percent_encoding::percent_decode;

use crate::call::problem::Problem;

/// The single value of a query parameter, or `None` if the query does not have it.
///
/// # Errors
///
/// 400 for a parameter that is there twice, because it is unclear which one counts, and for one
/// that is not UTF-8.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Result<Option<String>, Problem> {
    let mut found = None;
    for pair in uri.query().unwrap_or_default().split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(key).as_deref() != Some(name) {
            continue;
        }
        let value = decode(value).ok_or_else(|| {
            Problem::bad_request(format!(
                "query parameter '{name}' is not UTF-8; percent-encode its UTF-8 bytes"
            ))
        })?;
        if found.replace(value).is_some() {
            return Err(Problem::bad_request(format!(
                "query parameter '{name}' is there more than once; give it once"
            )));
        }
    }
    Ok(found)
}

/// Decodes a form text, as browsers encode it: `+` is a space.
pub(crate) fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(query: &str) -> Result<Option<String>, u16> {
        let uri = Uri::try_from(format!("/x?{query}")).unwrap();
        parameter(&uri, "user").map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn values_are_decoded_once() {
        assert_eq!(user("a=b&user=J%C3%BCrgen+W%2Bx%2525"), Ok(Some("Jürgen W+x%25".to_owned())));
        assert_eq!(user("us%65r=ann"), Ok(Some("ann".to_owned())));
        assert_eq!(user("user"), Ok(Some(String::new())));
        assert_eq!(user("users=x&User=y"), Ok(None));
    }

    #[test]
    fn doubled_and_undecodable_values_are_refused() {
        assert_eq!(user("user=a&user=a"), Err(400));
        assert_eq!(user("user=%ff"), Err(400));
    }
}
