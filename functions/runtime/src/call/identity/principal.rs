//! The principal in a header of Azure's front end: base64 of JSON, in one of two forms.
//!
//! App Service, Functions and Container Apps write `{"auth_typ","claims":[{"typ","val"}]}`, Static Web
//! Apps `{"identityProvider","userId","userDetails","userRoles"}`.
//! Sources: <https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities>,
//! <https://learn.microsoft.com/azure/static-web-apps/user-information>

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use signalr_serverless::token::{Claims, first_text};

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The claims that App Service prefers to the name identifier as the user's id, in its order.
const OBJECT_IDS: [&str; 2] =
    ["http://schemas.microsoft.com/identity/claims/objectidentifier", "oid"];

/// The user's id of Static Web Apps.
const USER_ID: &str = "userId";
const ROLES: &str = "userRoles";

/// The user who signed in.
#[derive(Debug)]
pub(super) struct Principal {
    /// The user's id, in the form of Static Web Apps.
    user_id: Option<String>,
    /// The user's id in the other form: the name identifier of ASP.NET.
    name_identifier: Option<String>,
    /// The claims by their names. Several values of one name are in an array.
    pub(super) claims: Map<String, Value>,
}

#[derive(Deserialize)]
struct Claim {
    typ: String,
    val: String,
}

impl Principal {
    /// Reads either form; `None` for anything else.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let json = BASE64.decode(header.trim()).ok()?;
        let mut members: Map<String, Value> = serde_json::from_slice(&json).ok()?;
        let listed = match members.remove("claims") {
            None | Some(Value::Null) => Vec::new(),
            Some(claims) => serde_json::from_value::<Vec<Claim>>(claims).ok()?,
        };
        let user_id = match members.get(USER_ID) {
            None | Some(Value::Null) => None,
            Some(Value::String(user)) => Some(user.clone()).filter(|user| !user.is_empty()),
            Some(_) => return None,
        };
        // The members that App Service has beside the claims only say how to read the claims.
        let is_of_static_web_apps = members.contains_key(USER_ID) || members.contains_key(ROLES);
        let claims = if is_of_static_web_apps { members } else { Map::new() };
        let in_order = listed.iter().map(|claim| (claim.typ.clone(), claim.val.as_str().into()));
        let name_identifier = in_order.collect::<Claims>().name_identifier();
        Some(Self { user_id, name_identifier, claims: gather(claims, listed) })
    }

    /// The user's id.
    pub(super) fn user(&self) -> Option<String> {
        let object_id = || OBJECT_IDS.iter().find_map(|name| first_text(self.claims.get(*name)?));
        self.user_id.clone().or_else(object_id).or_else(|| self.name_identifier.clone())
    }

    /// Whether Static Web Apps says that nobody signed in.
    pub(super) fn is_anonymous(&self) -> bool {
        self.claims.contains_key(ROLES)
    }

    /// Whether the principal is of another user than the one with this id.
    pub(super) fn names_another_than(&self, id: &str) -> bool {
        self.user_id.as_ref().is_some_and(|user| user != id)
    }
}

fn gather(mut claims: Map<String, Value>, listed: Vec<Claim>) -> Map<String, Value> {
    for Claim { typ, val } in listed {
        match claims.get_mut(&typ) {
            None => drop(claims.insert(typ, val.into())),
            Some(Value::Array(values)) => values.push(val.into()),
            Some(value) => *value = Value::Array(vec![value.take(), val.into()]),
        }
    }
    claims
}
