//! The user that Azure's front end authenticated ("Easy Auth").
//!
//! The front end writes `x-ms-client-principal…` into the requests of users who signed in. It
//! removes these headers from requests that have them already. It does so only if its authentication
//! is on; otherwise this function refuses to start. The forms of the headers are in `principal`.
//! Source: <https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities>

use std::time::SystemTime;

use axum::http::{HeaderMap, StatusCode};

use super::{
    found::{self, Found},
    principal::Principal,
};
use crate::{
    call::problem::Problem,
    config::{
        environment::{ConfigError, Environment},
        listen::Listen,
        variable,
    },
};

const ID: &str = "x-ms-client-principal-id";
/// The header with all claims, in base64 of JSON.
const PRINCIPAL: &str = "x-ms-client-principal";

/// The front end that authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrontEnd {
    /// The front end of App Service, which writes the user's id into a separate header. Functions
    /// and Container Apps have the same.
    AppService,
    /// Static Web Apps in front of a linked backend. It writes only the principal, and its
    /// documentation does not say that it removes a forged id.
    StaticWebApps,
}

impl FrontEnd {
    /// Refuses to trust the headers if no front end removes forged ones.
    pub(super) fn from_environment(
        environment: &Environment<'_>,
        listen: Listen,
    ) -> Result<Self, ConfigError> {
        let in_container_app = environment.text(variable::CONTAINER_APP)?.is_some();
        let named = environment.text(variable::EASY_AUTH_FRONT_END)?;
        let is_on_azure = matches!(listen, Listen::Azure { .. });
        if !is_on_azure && !in_container_app {
            let problem =
                "'easyauth' works on Azure Functions and Container Apps only; use jwt here";
            return Err(ConfigError::of(variable::IDENTITY, problem));
        }
        match named.as_deref() {
            Some("static-web-apps") => return Ok(Self::StaticWebApps),
            Some("container-apps") if in_container_app => return Ok(Self::AppService),
            Some("container-apps") => {
                let problem = "is container-apps, and this is none; unset it";
                return Err(ConfigError::of(variable::EASY_AUTH_FRONT_END, problem));
            }
            Some(other) => {
                let problem = format!(
                    "'{other}' is not known; use container-apps or static-web-apps, or unset it"
                );
                return Err(ConfigError::of(variable::EASY_AUTH_FRONT_END, problem));
            }
            None => {}
        }
        let enabled = environment.text(variable::EASY_AUTH)?;
        if enabled.is_some_and(|enabled| enabled.eq_ignore_ascii_case("true")) {
            return Ok(Self::AppService);
        }
        Err(ConfigError::of(
            variable::IDENTITY,
            match in_container_app {
                true => {
                    "'easyauth' needs the app's authentication, and Container Apps does not say whether it is on; turn it on and set EASYAUTH_FRONT_END=container-apps"
                }
                false => {
                    "'easyauth' needs the app's authentication, which is off, so that anyone could say who they are; turn it on"
                }
            },
        ))
    }

    /// The user, or `None` if nobody signed in.
    ///
    /// # Errors
    ///
    /// 401 if the front end cannot have written these headers, for example one user's id with another
    /// user's principal.
    pub(super) fn find(
        self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Option<Found>, Problem> {
        let id = match self {
            Self::AppService => one(headers, ID)?.filter(|id| !id.trim().is_empty()),
            Self::StaticWebApps => None,
        };
        let principal = match one(headers, PRINCIPAL)?.filter(|text| !text.trim().is_empty()) {
            Some(text) => Some(Principal::parse(&text).ok_or_else(|| unreadable(PRINCIPAL))?),
            None => None,
        };
        let (user, claims) = match (id, principal) {
            (None, None) => return Ok(None),
            (Some(id), None) => (id, serde_json::Map::new()),
            (None, Some(principal)) => match principal.user() {
                Some(user) => (user, principal.claims),
                None if principal.is_anonymous() => return Ok(None),
                None => return Err(unreadable(PRINCIPAL)),
            },
            (Some(id), Some(principal)) => {
                if principal.names_another_than(&id) {
                    return Err(unreadable(ID));
                }
                (id, principal.claims)
            }
        };
        // The platform renews its sessions without renewing the claims.
        let ends = found::end(&claims).filter(|end| *end > now);
        Ok(Some(Found { user: Some(user), claims, ends }))
    }
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
    let detail = format!("header '{header}' is not what the platform's front end writes");
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

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

    /// The user, or the status of the refusal.
    fn user(
        front_end: FrontEnd,
        pairs: &[(&'static str, &str)],
    ) -> Result<Option<(String, Value)>, u16> {
        let found = front_end.find(&headers(pairs), NOW);
        let found = found.map_err(|problem| problem.status().as_u16())?;
        Ok(found.map(|found| (found.user.unwrap(), found.claims.into())))
    }

    fn app_service_principal() -> Value {
        let identity = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
        json!({
            "auth_typ": "aad", "name_typ": format!("{identity}/emailaddress"), "role_typ": "roles",
            "claims": [
                { "typ": "aud", "val": "CLIENT_ID" },
                { "typ": "roles", "val": "editor" },
                { "typ": format!("{identity}/nameidentifier"), "val": "pairwise" },
                { "typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": "ann" },
                { "typ": "name", "val": "Ann" },
                { "typ": "roles", "val": "admin" },
                { "typ": "roles", "val": "owner" },
            ],
        })
    }

    fn static_web_apps_principal() -> Value {
        json!({
            "identityProvider": "github", "userId": "ann", "userDetails": "ann@x.test",
            "userRoles": ["anonymous", "authenticated", "editor"],
        })
    }

    #[test]
    fn app_service_and_container_apps_write_an_id_and_a_principal() {
        let principal = encoded(&app_service_principal());
        for pairs in [
            &[(ID, "ann"), (PRINCIPAL, &*principal), ("x-ms-client-principal-name", "a@x")][..],
            // Without padding.
            &[(ID, "ann"), (PRINCIPAL, principal.trim_end_matches('='))],
            &[(PRINCIPAL, &principal)],
        ] {
            let (user, claims) = user(FrontEnd::AppService, pairs).unwrap().unwrap();
            assert_eq!(user, "ann");
            assert_eq!(
                (&claims["roles"], &claims["name"]),
                (&json!(["editor", "admin", "owner"]), &json!("Ann"))
            );
        }
        let id_alone = user(FrontEnd::AppService, &[(ID, "ann")]).unwrap().unwrap();
        assert_eq!(id_alone, ("ann".to_owned(), json!({})));
        for (typ, val) in [
            ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", "113"),
            ("sub", "113"),
            ("oid", "113"),
        ] {
            let principal = json!({ "auth_typ": "google", "claims": [{ "typ": typ, "val": val }] });
            let found = user(FrontEnd::AppService, &[(PRINCIPAL, &encoded(&principal))]);
            assert_eq!(found.unwrap().unwrap().0, "113", "{typ}");
        }
    }

    #[test]
    fn static_web_apps_write_a_principal_of_their_own() {
        let principal = encoded(&static_web_apps_principal());
        for front_end in [FrontEnd::StaticWebApps, FrontEnd::AppService] {
            let (user, claims) = user(front_end, &[(PRINCIPAL, &principal)]).unwrap().unwrap();
            assert_eq!(user, "ann");
            assert_eq!(claims, static_web_apps_principal());
        }
        for nobody in [
            json!({ "identityProvider": null, "userId": null, "userDetails": null, "userRoles": ["anonymous"] }),
            json!({ "userRoles": [] }),
        ] {
            assert_eq!(user(FrontEnd::StaticWebApps, &[(PRINCIPAL, &encoded(&nobody))]), Ok(None));
        }
    }

    #[test]
    fn a_principal_that_somebody_forged_through_the_front_end_is_not_taken() {
        let principal = encoded(&static_web_apps_principal());
        let forged = (ID, "mallory");
        assert_eq!(user(FrontEnd::StaticWebApps, &[forged]), Ok(None));
        let both = user(FrontEnd::StaticWebApps, &[forged, (PRINCIPAL, &principal)]);
        assert_eq!(both.unwrap().unwrap().0, "ann");
        assert_eq!(user(FrontEnd::AppService, &[forged, (PRINCIPAL, &principal)]), Err(401));
        let twice = [(PRINCIPAL, &*principal), (PRINCIPAL, &principal)];
        assert_eq!(user(FrontEnd::StaticWebApps, &twice), Err(401));
        assert_eq!(user(FrontEnd::AppService, &[(ID, "")]), Ok(None));
    }

    #[test]
    fn a_session_that_the_platform_renewed_lasts_longer_than_its_claims_say() {
        let end_of = |exp: &str| {
            let principal = json!({ "claims": [{ "typ": "exp", "val": exp }] });
            let pairs = [(ID, "ann"), (PRINCIPAL, &*encoded(&principal))];
            let now = NOW + std::time::Duration::from_secs(1000);
            FrontEnd::AppService.find(&headers(&pairs), now).unwrap().unwrap().ends
        };
        assert_eq!(end_of("900"), None);
        assert_eq!(end_of("1100"), Some(NOW + std::time::Duration::from_secs(1100)));
    }

    #[test]
    fn what_the_front_end_would_not_write_is_401() {
        for bad in [
            &[(ID, "ann"), (ID, "bob")][..],
            &[(ID, "ann"), (PRINCIPAL, "%%%")],
            &[(ID, "ann"), (PRINCIPAL, "bm8ganNvbg==")],
            &[(ID, "ann"), (PRINCIPAL, &encoded(&json!({ "claims": [{ "typ": 1 }] })))],
            &[(PRINCIPAL, &encoded(&json!({ "claims": [{ "typ": "name", "val": "Ann" }] })))],
            &[(PRINCIPAL, &encoded(&json!({ "userId": 7 })))],
            &[(PRINCIPAL, &encoded(&json!([])))],
        ] {
            assert_eq!(user(FrontEnd::AppService, bad), Err(401), "{bad:?}");
        }
    }
}
