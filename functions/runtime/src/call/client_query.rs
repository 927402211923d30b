//! The client's query, which is passed to the service and from there to upstreams.

use axum::http::Uri;

use crate::call::{problem::Problem, query};

/// The most bytes that are passed on. URLs are limited everywhere, and the client sends this query
/// with each request.
const MAX_QUERY: usize = 2048;

/// Parameters that are never passed on: the service, this function or the client's library uses
/// them, or they are secrets.
const NEVER: [&str; 6] =
    ["hub", "id", "negotiateversion", "usestatefulreconnect", "access_token", "code"];

/// The prefix of the service's own parameters.
const SERVICE_PREFIX: &str = "asrs";

/// The parameters of a request that are passed on, unchanged and in their order, without those in
/// `except`. The case of names does not matter, as in the service.
///
/// # Errors
///
/// 400 if there are more than 2,048 bytes.
pub(crate) fn passed_on(uri: &Uri, except: &[&str]) -> Result<String, Problem> {
    let is_kept = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        // A name that is not text has no special meaning.
        let Some(name) = query::decode(name) else { return !pair.is_empty() };
        let name = name.to_lowercase();
        !pair.is_empty()
            && !NEVER.contains(&&*name)
            && !name.starts_with(SERVICE_PREFIX)
            && !except.iter().any(|other| other.to_lowercase() == name)
    };
    let pairs: Vec<_> =
        uri.query().unwrap_or_default().split('&').filter(|pair| is_kept(pair)).collect();
    let query = pairs.join("&");
    match query.len() {
        0..=MAX_QUERY => Ok(query),
        length => Err(Problem::bad_request(format!(
            "the query has {length} bytes that would go on to the service; at most {MAX_QUERY} do"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(query: &str) -> Result<String, u16> {
        let uri = Uri::try_from(format!("/negotiate?{query}")).unwrap();
        super::passed_on(&uri, &["User"]).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_query_goes_on_to_the_letter() {
        for same in ["a=1&b=2&a=3", "x", "=1", "room=J%C3%BC+x%26y", "a==", "%ff=1", "hubs=1&ids=2"]
        {
            assert_eq!(passed_on(same).as_deref(), Ok(same));
        }
        assert_eq!(passed_on("&&a=1&&").as_deref(), Ok("a=1"));
    }

    #[test]
    fn what_has_a_meaning_or_is_a_secret_does_not() {
        for none in [
            "",
            "hub=news",
            "HUB=news",
            "h%75b=news",
            "id=x",
            "negotiateVersion=1",
            "useStatefulReconnect=true",
            "access_token=x",
            "code=secret",
            "asrs.op=x&asrs_request_id=y&ASRSx=1&%61srs=2",
            "User=ann",
            "user=ann",
        ] {
            assert_eq!(passed_on(none).as_deref(), Ok(""), "{none}");
            assert_eq!(passed_on(&format!("a=1&{none}&b=2")).as_deref(), Ok("a=1&b=2"), "{none}");
        }
    }

    #[test]
    fn it_has_a_bound_that_what_stays_here_does_not_count_for() {
        let most = format!("a={}", "x".repeat(MAX_QUERY - 2));
        assert_eq!(passed_on(&most), Ok(most.clone()));
        assert_eq!(passed_on(&format!("{most}x")), Err(400));
        assert_eq!(passed_on(&format!("a=1&access_token={most}")).as_deref(), Ok("a=1"));
    }
}
