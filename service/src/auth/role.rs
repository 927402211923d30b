//! The roles of callers with a Microsoft Entra identity.

use std::fmt;

use serde_json::{Map, Value};

/// The roles. Each lets a caller do everything. Source: Azure's documentation of the service.
const ROLES: [&str; 2] = ["SignalR App Server", "SignalR Service Owner"];

pub(super) fn has_role(claims: &Map<String, Value>) -> bool {
    let is_role = |role: &Value| role.as_str().is_some_and(|role| ROLES.contains(&role));
    match claims.get("roles") {
        Some(Value::Array(roles)) => roles.iter().any(is_role),
        _ => false,
    }
}

/// Writes the roles for the advice in an error.
#[derive(Debug)]
pub(crate) struct Roles;

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ROLES.map(|role| format!("'{role}'")).join(" or "))
    }
}
