//! The names of the claims that the service understands. Source: Azure's SDK.
//!
//! ```
//! use signalr_serverless::claim;
//!
//! // The claims that the service reads, in addition to the user's claims.
//! let of_the_service = claim::DETAILED_ERRORS.starts_with(claim::SERVICE_PREFIX);
//! assert!(of_the_service && !claim::SUBJECT.starts_with(claim::SERVICE_PREFIX));
//! ```

/// The prefix of the service's own claims.
pub const SERVICE_PREFIX: &str = "asrs.s.";
/// The prefix of a user's claim if its name has a special meaning in tokens.
pub const USER_PREFIX: &str = "asrs.u.";

/// The user id; it takes precedence over all others. See [`Claims::user`](super::Claims::user).
pub const USER_ID: &str = "asrs.s.uid";
/// The user id if there is no [`USER_ID`].
pub const NAME_ID: &str = "nameid";
/// The user id if there is no [`USER_ID`].
pub const SUBJECT: &str = "sub";
/// The long form of [`NAME_ID`], which .NET uses internally.
pub const NAME_IDENTIFIER: &str =
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

/// Whether a claim is the name identifier in .NET. Source: the map of claim types of its reader of
/// tokens.
///
/// ```
/// use signalr_serverless::claim;
///
/// assert!(claim::is_name_identifier("sub") && !claim::is_name_identifier("name"));
/// ```
#[must_use]
pub fn is_name_identifier(name: &str) -> bool {
    [NAME_ID, SUBJECT, NAME_IDENTIFIER].contains(&name)
}

/// Whether a claim says who the user is. See [`Claims::user`](super::Claims::user).
///
/// ```
/// use signalr_serverless::claim;
///
/// assert!(claim::names_user("asrs.s.uid") && claim::names_user("sub"));
/// assert!(!claim::names_user("role"));
/// ```
#[must_use]
pub fn names_user(name: &str) -> bool {
    name == USER_ID || is_name_identifier(name)
}

/// The way in which the user logged in, if not by a bearer token.
pub const AUTHENTICATION_TYPE: &str = "asrs.s.aut";
/// The claim type that holds the user's name.
pub const NAME_CLAIM_TYPE: &str = "asrs.s.nt";
/// The claim type that holds the user's roles.
pub const ROLE_CLAIM_TYPE: &str = "asrs.s.rt";
/// `"true"`: the connection is traced for diagnosis.
pub const DIAGNOSTIC_CLIENT: &str = "asrs.s.dc";
/// `"True"`: the client gets the reason when it is closed.
pub const DETAILED_ERRORS: &str = "asrs.s.derror";
/// The seconds for the handshake, as text; 15 if the claim is absent.
pub const HANDSHAKE_TIMEOUT: &str = "asrs.s.cht";
/// The seconds that a long poll may take, as text.
pub const MAX_POLL_INTERVAL: &str = "asrs.s.ttl";
/// The transports that the client may use, as text: the sum of 1 for WebSockets, 2 for server-sent
/// events and 4 for long polling. All if the claim is absent.
pub const TRANSPORTS: &str = "asrs.s.htt";
/// `"true"`: the connection is closed when the user's authentication ends.
pub const CLOSE_ON_EXPIRY: &str = "asrs.s.coae";
/// The end of the user's authentication, in seconds since 1970, as text.
pub const AUTHENTICATION_EXPIRY: &str = "asrs.s.aeo";
