//! The claim of a login that becomes the user id.

use std::fmt;

use serde_json::{Map, Value};
use signalr_serverless::{
    claim,
    token::{Claims, first_text},
};

use crate::config::{
    environment::{ConfigError, Environment},
    variable,
};

/// The claim that becomes the user id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UserClaim {
    /// The name identifier of ASP.NET.
    NameIdentifier,
    Named(String),
}

impl UserClaim {
    pub(super) fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let named = environment.text(variable::USER_CLAIM)?;
        Ok(named.map_or(Self::NameIdentifier, Self::Named))
    }

    /// The user id in the claims of a login.
    pub(super) fn find(&self, claims: &Map<String, Value>) -> Option<String> {
        match self {
            Self::Named(name) => claims.get(name).and_then(first_text),
            Self::NameIdentifier => {
                // A map does not keep the token's order. Every token of OpenID Connect has a `sub`.
                let names = [claim::SUBJECT, claim::NAME_ID, claim::NAME_IDENTIFIER];
                let there = names.into_iter().filter_map(|name| claims.get_key_value(name));
                let there = there.map(|(name, value)| (name.clone(), value.clone()));
                there.collect::<Claims>().name_identifier()
            }
        }
    }
}

/// Writes the claim for the text of a refusal.
impl fmt::Display for UserClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NameIdentifier => claim::SUBJECT,
            Self::Named(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_user_is_the_name_identifier_or_the_claim_that_was_named() {
        let uri = claim::NAME_IDENTIFIER;
        for (user_claim, claims, expected) in [
            (UserClaim::NameIdentifier, json!({ "sub": "ann", "nameid": "b" }), Some("ann")),
            (UserClaim::NameIdentifier, json!({ "nameid": "ann" }), Some("ann")),
            (UserClaim::NameIdentifier, json!({ uri: "ann" }), Some("ann")),
            (UserClaim::NameIdentifier, json!({ "sub": [7, 8] }), Some("7")),
            (UserClaim::NameIdentifier, json!({ "sub": null, "nameid": true }), Some("true")),
            // This is a name of the service, which no other issuer uses.
            (UserClaim::NameIdentifier, json!({ "asrs.s.uid": "bob" }), None),
            (UserClaim::NameIdentifier, json!({ "sub": "", "name": "x" }), None),
            (UserClaim::Named("oid".to_owned()), json!({ "oid": 7, "sub": "ann" }), Some("7")),
            (UserClaim::Named("oid".to_owned()), json!({ "sub": "ann" }), None),
            (UserClaim::Named("oid".to_owned()), json!({ "oid": { "a": 1 } }), None),
        ] {
            let found = user_claim.find(claims.as_object().unwrap());
            assert_eq!(found.as_deref(), expected, "{user_claim:?} {claims}");
        }
    }
}
