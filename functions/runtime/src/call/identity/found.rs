//! The result of a place to look for a user.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// A user, and all claims that are known.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) user: Option<String>,
    pub(super) claims: Map<String, Value>,
    /// The end of the login, if it is known.
    pub(super) ends: Option<SystemTime>,
}

/// The end of a login with these claims: their `exp`, in seconds since 1970. API Gateway's Cognito
/// authorizer writes a date instead, such as `Fri Mar 03 07:26:22 UTC 2023`.
pub(super) fn end(claims: &Map<String, Value>) -> Option<SystemTime> {
    let seconds = match claims.get("exp")? {
        Value::String(text) => match text.trim().parse() {
            Ok(seconds) => seconds,
            // Without its zone this is a date of HTTP.
            Err(_) => return httpdate::parse_http_date(&text.replace(" UTC ", " ")).ok(),
        },
        number => number.as_f64()?,
    };
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_a_login_is_read_as_every_issuer_writes_it() {
        let seconds = |exp: Value| {
            let claims = json!({ "exp": exp });
            let end = end(claims.as_object().unwrap())?;
            Some(end.duration_since(UNIX_EPOCH).unwrap().as_secs())
        };
        for exp in [
            json!(1_677_828_382),
            json!(1_677_828_382.5),
            json!("1677828382"),
            json!("Fri Mar 03 07:26:22 UTC 2023"),
        ] {
            assert_eq!(seconds(exp.clone()), Some(1_677_828_382), "{exp}");
        }
        for exp in [json!(null), json!(-1), json!(1e300), json!("soon"), json!([1])] {
            assert_eq!(seconds(exp.clone()), None, "{exp}");
        }
    }
}
