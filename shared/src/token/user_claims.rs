//! The user's own claims, prepared for a token. Source: Azure's SDK.

use std::borrow::Cow;

use serde_json::Value;

use super::{claim, payload::Claim};
use crate::error::Error;

/// Names with a special meaning in a token.
const RESERVED: [&str; 11] =
    ["aud", "exp", "iat", "nbf", "iss", "actort", "acr", "azp", "c_hash", "jti", "nonce"];

/// Collects the claims by their short names, in the order in which each name first appears. Several
/// values of one name become an array.
///
/// Names with a meaning for the service are refused: a copied claim must not turn a user into
/// another user.
pub(super) fn collect(claims: &[(String, Value)]) -> Result<Vec<Claim<'_>>, Error> {
    let mut collected: Vec<Claim<'_>> = Vec::new();
    for (name, value) in claims {
        let mut name = token_name(name)?;
        if name == claim::SUBJECT && collected.iter().any(|(other, _)| *other == name) {
            name = prefixed(claim::SUBJECT);
        }
        match collected.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => append(values, value.clone()),
            None => collected.push((name, value.clone())),
        }
    }
    Ok(collected)
}

fn token_name(name: &str) -> Result<Cow<'_, str>, Error> {
    if name.is_empty() {
        return Err(invalid_name("is empty".to_owned()));
    }
    if name.starts_with(claim::SERVICE_PREFIX) {
        return Err(invalid_name(format!("'{name}' belongs to the service")));
    }
    let name = shorten(name);
    Ok(if RESERVED.contains(&name) { prefixed(name) } else { name.into() })
}

fn invalid_name(problem: String) -> Error {
    Error::InvalidValue {
        what: "claim name",
        problem,
        remedy: "use another name, or the option that stands for the claim",
    }
}

fn prefixed(name: &str) -> Cow<'static, str> {
    format!("{}{name}", claim::USER_PREFIX).into()
}

fn append(values: &mut Value, value: Value) {
    let mut all = match values.take() {
        Value::Array(all) => all,
        one => vec![one],
    };
    match value {
        Value::Array(more) => all.extend(more),
        one => all.push(one),
    }
    *values = Value::Array(all);
}

/// The names that .NET's token handler gives the long claim types of WS-Federation and Entra.
fn shorten(name: &str) -> &str {
    match name {
        claim::NAME_IDENTIFIER => claim::NAME_ID,
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name" => "unique_name",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" => "email",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname" => "given_name",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname" => "family_name",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn" => "upn",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/dateofbirth" => "birthdate",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/gender" => "gender",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/webpage" => "website",
        "http://schemas.xmlsoap.org/ws/2009/09/identity/claims/actor" => "actort",
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/role" => "role",
        "http://schemas.microsoft.com/identity/claims/objectidentifier" => "oid",
        "http://schemas.microsoft.com/identity/claims/scope" => "scp",
        "http://schemas.microsoft.com/identity/claims/tenantid" => "tid",
        "http://schemas.microsoft.com/claims/authnclassreference" => "acr",
        "http://schemas.microsoft.com/claims/authnmethodsreferences" => "amr",
        short => short,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn collected(claims: Value) -> Vec<(String, Value)> {
        let claims: Vec<(String, Value)> = serde_json::from_value(claims).unwrap();
        collect(&claims).unwrap().into_iter().map(|(name, value)| (name.into(), value)).collect()
    }

    fn pairs(claims: Value) -> Vec<(String, Value)> {
        serde_json::from_value(claims).unwrap()
    }

    #[test]
    fn reserved_names_are_prefixed() {
        for name in RESERVED {
            assert_eq!(
                collected(json!([[name, 1]])),
                pairs(json!([[format!("asrs.u.{name}"), 1]]))
            );
        }
    }

    #[test]
    fn later_subjects_are_prefixed_and_gathered() {
        assert_eq!(
            collected(json!([["sub", "a"], ["sub", "b"], ["sub", "c"]])),
            pairs(json!([["sub", "a"], ["asrs.u.sub", ["b", "c"]]]))
        );
    }

    #[test]
    fn repeated_claims_become_an_array_in_first_position() {
        assert_eq!(
            collected(json!([["role", "a"], ["x", {"y": 1}], ["role", "b"], ["role", ["c", "d"]]])),
            pairs(json!([["role", ["a", "b", "c", "d"]], ["x", {"y": 1}]]))
        );
    }

    #[test]
    fn long_types_are_shortened_before_anything_else() {
        let identity = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
        let microsoft = "http://schemas.microsoft.com";
        assert_eq!(
            collected(json!([
                [format!("{identity}/nameidentifier"), "ann"],
                [format!("{microsoft}/ws/2008/06/identity/claims/role"), "a"],
                ["role", "b"],
                [format!("{microsoft}/claims/authnclassreference"), "1"],
                ["https://example.com/own", true],
            ])),
            pairs(json!([
                ["nameid", "ann"],
                ["role", ["a", "b"]],
                ["asrs.u.acr", "1"],
                ["https://example.com/own", true],
            ]))
        );
    }

    #[test]
    fn the_names_of_the_service_are_refused() {
        for bad in ["", "asrs.s.uid", "asrs.s.anything"] {
            let error = collect(&[(bad.to_owned(), json!("admin"))]).unwrap_err();
            assert!(matches!(error, Error::InvalidValue { what: "claim name", .. }), "{error}");
        }
        assert!(collect(&[("asrs.u.exp".to_owned(), json!(1))]).is_ok());
    }
}
