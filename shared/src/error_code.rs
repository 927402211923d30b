//! The codes by which programs know what went wrong with a call: the header `x-ms-error-code` and
//! the field `code` of the body.
//!
//! [`Refusal::has_code`](crate::Refusal::has_code) compares with them.
//!
//! Source: the codes of what is not there are those that Azure's SDKs look for; that of a parameter
//! that is wrong stands in the published description; the others continue their form.

/// The header of an answer that carries the code.
pub const HEADER: &str = "x-ms-error-code";

/// The connection is not open, so nothing was done: it cannot be invoked or added to a group.
pub const CONNECTION_NOT_EXISTED: &str = "Error.Connection.NotExisted";
/// The connection is not open: an answer to whether it is, or what closing it wants.
pub const CONNECTION_ALREADY_GONE: &str = "Warning.Connection.NotExisted";
/// The user has no open connection.
pub const USER_NOT_EXISTED: &str = "Warning.User.NotExisted";
/// The group has no open connection.
pub const GROUP_NOT_EXISTED: &str = "Warning.Group.NotExisted";
/// The user is not in the group.
pub const USER_NOT_IN_GROUP: &str = "Info.User.NotInGroup";

/// The client answered an invocation with an error.
pub const INVOCATION_FAILED: &str = "Error.Invocation.Failed";
/// The client did not answer an invocation in time.
pub const INVOCATION_TIMEOUT: &str = "Error.Invocation.Timeout";

/// A parameter or a field is wrong.
pub const BAD_REQUEST: &str = "Error.BadRequest";
/// No token, or one that is not good.
pub const UNAUTHORIZED: &str = "Error.Unauthorized";
/// The identity of the token lacks its role.
pub const FORBIDDEN: &str = "Error.Forbidden";
/// There is no such path.
pub const NOT_FOUND: &str = "Error.NotFound";
/// The path does not take the method.
pub const METHOD_NOT_ALLOWED: &str = "Error.MethodNotAllowed";
/// The body did not arrive in time.
pub const REQUEST_TIMEOUT: &str = "Error.RequestTimeout";
/// The body is too large.
pub const PAYLOAD_TOO_LARGE: &str = "Error.PayloadTooLarge";
/// The body is of a kind that is not taken.
pub const UNSUPPORTED_MEDIA_TYPE: &str = "Error.UnsupportedMediaType";
/// The service failed.
pub const INTERNAL: &str = "Error.Internal";
/// As many calls as may are under way.
pub const TOO_MANY_REQUESTS: &str = "Error.TooManyRequests";
/// The service cannot answer now: it is ending, or waits for what it needs.
pub const UNAVAILABLE: &str = "Error.Unavailable";
