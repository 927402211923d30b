//! The names of the claims that the service understands. Source: Azure's SDK.
//!
//! ```
//! use signalr_serverless::claim;
//!
//! // The claims that the service reads, beside those of the user.
//! let of_the_service = claim::DETAILED_ERRORS.starts_with(claim::SERVICE_PREFIX);
//! assert!(of_the_service && !claim::SUBJECT.starts_with(claim::SERVICE_PREFIX));
//! ```

/// What the names of the service's own claims begin with.
pub const SERVICE_PREFIX: &str = "asrs.s.";
/// What a user's claim is prefixed with if its name has a meaning of its own in tokens.
pub const USER_PREFIX: &str = "asrs.u.";

/// The user id; it takes precedence over all others. See [`Claims::user`](super::Claims::user).
pub const USER_ID: &str = "asrs.s.uid";
/// The user id if there is no [`USER_ID`].
pub const NAME_ID: &str = "nameid";
/// The user id if there is no [`USER_ID`].
pub const SUBJECT: &str = "sub";
/// The long form of [`NAME_ID`], which .NET uses inside.
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

/// How the user proved their identity, if not by a bearer token.
pub const AUTHENTICATION_TYPE: &str = "asrs.s.aut";
/// The claim type that holds the user's name.
pub const NAME_CLAIM_TYPE: &str = "asrs.s.nt";
/// The claim type that holds the user's roles.
pub const ROLE_CLAIM_TYPE: &str = "asrs.s.rt";
/// `"true"`: the connection is traced for diagnosis.
pub const DIAGNOSTIC_CLIENT: &str = "asrs.s.dc";
/// `"True"`: the client is told why it is closed.
pub const DETAILED_ERRORS: &str = "asrs.s.derror";
/// Seconds for the handshake, as text, if not 15.
pub const HANDSHAKE_TIMEOUT: &str = "asrs.s.cht";
/// Seconds that a long poll may take, as text.
pub const MAX_POLL_INTERVAL: &str = "asrs.s.ttl";
/// The transports that the client may use, as text: the sum of 1 for WebSockets, 2 for server-sent
/// events and 4 for long polling. All if the claim is absent.
pub const TRANSPORTS: &str = "asrs.s.htt";
/// `"true"`: the connection is closed when the user's authentication ends.
pub const CLOSE_ON_EXPIRY: &str = "asrs.s.coae";
/// When the user's authentication ends, in seconds since 1970, as text.
pub const AUTHENTICATION_EXPIRY: &str = "asrs.s.aeo";
