//! The claims of a client's token with the long names of .NET, because app servers expect these.

use signalr_server_protocol::Claims;

/// The short names that Microsoft's SDK writes into tokens, with the long names that they mean.
/// Source: the map of .NET's handler of JWTs. An app that gets short names does not know the roles
/// of its users.
const NAMES: [(&str, &str); 19] = [
    ("role", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"),
    ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"),
    ("nameid", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"),
    ("sub", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"),
    ("unique_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"),
    ("email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"),
    ("given_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"),
    ("family_name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"),
    ("upn", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"),
    ("gender", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/gender"),
    ("birthdate", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/dateofbirth"),
    ("website", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/webpage"),
    ("oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"),
    ("tid", "http://schemas.microsoft.com/identity/claims/tenantid"),
    ("scp", "http://schemas.microsoft.com/identity/claims/scope"),
    ("idp", "http://schemas.microsoft.com/identity/claims/identityprovider"),
    ("amr", "http://schemas.microsoft.com/claims/authnmethodsreferences"),
    ("acr", "http://schemas.microsoft.com/claims/authnclassreference"),
    ("auth_time", "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationinstant"),
];

/// The claims that name the claims for a user's name and roles, if the app chose these names
/// itself.
const NAME_TYPE: &str = "asrs.s.nt";
const ROLE_TYPE: &str = "asrs.s.rt";

/// The claims with long names. A short name stays if the app chose it for names or roles.
pub(crate) fn with_long_names(claims: Vec<(String, String)>) -> Claims {
    let chosen: Vec<String> = claims
        .iter()
        .filter(|(name, _)| name == NAME_TYPE || name == ROLE_TYPE)
        .map(|(_, value)| value.clone())
        .collect();
    let long = |name: String| {
        let known = NAMES.iter().find(|(short, _)| *short == name && !chosen.contains(&name));
        known.map_or(name, |(_, long)| (*long).to_owned())
    };
    Claims(claims.into_iter().map(|(name, value)| (long(name), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(claims: &[(&str, &str)]) -> Vec<(String, String)> {
        with_long_names(
            claims.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        )
        .0
    }

    #[test]
    fn short_names_become_long_ones() {
        let claims = long(&[("role", "a"), ("role", "b"), ("asrs.s.uid", "u"), ("color", "red")]);
        let role = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
        let names: Vec<_> = claims.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [role, role, "asrs.s.uid", "color"]);
    }

    #[test]
    fn a_name_that_the_app_chose_stays() {
        let claims = long(&[("asrs.s.rt", "role"), ("role", "a"), ("nameid", "n")]);
        assert_eq!(claims[1].0, "role");
        assert!(claims[2].0.ends_with("/nameidentifier"));
    }
}
