//! The user that Azure App Service authenticated ("Easy Auth").
//!
//! App Service writes `x-ms-client-principal…` into the requests of users who signed in, and takes
//! these headers out of what comes from outside. It does so only if its authentication is on,
//! which is why the start is refused elsewhere.
//! Source: <https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities>

use axum::http::{HeaderMap, StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::found::Found;
use crate::{
    call::problem::Problem,
    config::{
        environment::{ConfigError, Environment},
        listen::Listen,
        variable,
    },
};

const ID: &str = "x-ms-client-principal-id";
/// Base64 of JSON with all claims.
const PRINCIPAL: &str = "x-ms-client-principal";

/// Refuses to trust the headers if nobody takes forged ones out.
pub(super) fn check_platform(
    environment: &Environment<'_>,
    listen: Listen,
) -> Result<(), ConfigError> {
    let Listen::Azure { .. } = listen else {
        let problem = "'easyauth' works on Azure Functions only; use jwt here";
        return Err(ConfigError::of(variable::IDENTITY, problem));
    };
    let enabled = environment.text(variable::EASY_AUTH)?;
    if enabled.is_some_and(|enabled| enabled.eq_ignore_ascii_case("true")) {
        return Ok(());
    }
    Err(ConfigError::of(
        variable::IDENTITY,
        "'easyauth' needs the app's authentication, which is off, so that anyone could say who they are; turn it on",
    ))
}

pub(super) fn find(headers: &HeaderMap) -> Result<Option<Found>, Problem> {
    let Some(user) = one(headers, ID)? else { return Ok(None) };
    let claims = match one(headers, PRINCIPAL)? {
        Some(principal) => claims(&principal).ok_or_else(|| unreadable(PRINCIPAL))?,
        None => Map::new(),
    };
    Ok(Some(Found { user: Some(user), claims }))
}

fn one(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let value = std::str::from_utf8(value.as_bytes()).map_err(|_| unreadable(name))?;
            Ok(Some(value.to_owned()))
        }
        (Some(_), Some(_)) => Err(unreadable(name)),
    }
}

fn unreadable(header: &str) -> Problem {
    let detail = format!("header '{header}' is not what App Service writes");
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

#[derive(Deserialize)]
struct Principal {
    #[serde(default)]
    claims: Vec<Claim>,
}

#[derive(Deserialize)]
struct Claim {
    typ: String,
    val: String,
}

/// The claims by their names; values of one name are gathered in an array.
fn claims(principal: &str) -> Option<Map<String, Value>> {
    let principal = STANDARD.decode(principal).ok()?;
    let principal: Principal = serde_json::from_slice(&principal).ok()?;
    let mut claims = Map::new();
    for Claim { typ, val } in principal.claims {
        match claims.get_mut(&typ) {
            None => drop(claims.insert(typ, val.into())),
            Some(Value::Array(values)) => values.push(val.into()),
            Some(value) => *value = Value::Array(vec![value.take(), val.into()]),
        }
    }
    Some(claims)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn encoded(principal: &Value) -> String {
        STANDARD.encode(principal.to_string())
    }

    #[test]
    fn the_principal_brings_its_claims() {
        let principal = json!({ "auth_typ": "aad", "claims": [
            { "typ": "roles", "val": "editor" },
            { "typ": "name", "val": "Ann" },
            { "typ": "roles", "val": "admin" },
            { "typ": "roles", "val": "owner" },
        ] });
        let found = find(&headers(&[(ID, "ann"), (PRINCIPAL, &encoded(&principal))]));
        let found = found.unwrap().unwrap();
        assert_eq!(found.user.as_deref(), Some("ann"));
        assert_eq!(
            Value::Object(found.claims),
            json!({ "roles": ["editor", "admin", "owner"], "name": "Ann" })
        );
        assert!(find(&headers(&[(PRINCIPAL, &encoded(&principal))])).unwrap().is_none());
    }

    #[test]
    fn what_app_service_would_not_write_is_401() {
        for bad in [
            &[(ID, "ann"), (ID, "bob")][..],
            &[(ID, "ann"), (PRINCIPAL, "%%%")],
            &[(ID, "ann"), (PRINCIPAL, "bm8ganNvbg==")],
            &[(ID, "ann"), (PRINCIPAL, &encoded(&json!({ "claims": [{ "typ": 1 }] })))],
        ] {
            let problem = find(&headers(bad)).unwrap_err();
            assert_eq!(problem.status(), 401, "{bad:?}");
        }
    }
}
