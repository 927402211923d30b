//! The codes by which programs know what went wrong with a call: the header `x-ms-error-code` and
//! the field `code` of the body.
//!
//! ```
//! use signalr_serverless::{Error, error_code};
//!
//! /// Whether a call failed because its connection is gone.
//! fn is_gone(error: &Error) -> bool {
//!     matches!(error, Error::Refused(refusal) if refusal.has_code(error_code::CONNECTION_NOT_EXISTED))
//! }
//! ```
//!
//! Sources: Azure's SDKs look for the codes of absent connections, users and groups. The published description
//! has the code of a wrong parameter. The other codes have the same form.

/// The header of an answer that carries the code.
pub const HEADER: &str = "x-ms-error-code";

/// The connection is not open, so nothing was done. This answers a call of a client's method, the addition of
/// a connection to a group, and calls about a client's login.
pub const CONNECTION_NOT_EXISTED: &str = "Error.Connection.NotExisted";
/// The connection is not open. This answers the question if it is open, and a request to close it.
pub const CONNECTION_ALREADY_GONE: &str = "Warning.Connection.NotExisted";
/// The user has no open connection.
pub const USER_NOT_EXISTED: &str = "Warning.User.NotExisted";
/// The group has no open connection.
pub const GROUP_NOT_EXISTED: &str = "Warning.Group.NotExisted";
/// The user is not in the group.
pub const USER_NOT_IN_GROUP: &str = "Info.User.NotInGroup";

/// The claims of a renewed login name another user than the connection's. Nothing was changed.
pub const OTHER_USER: &str = "Error.Connection.OtherUser";

/// The client answered an invocation with an error.
pub const INVOCATION_FAILED: &str = "Error.Invocation.Failed";
/// The client did not answer an invocation in time.
pub const INVOCATION_TIMEOUT: &str = "Error.Invocation.Timeout";

/// A parameter or a field is wrong.
pub const BAD_REQUEST: &str = "Error.BadRequest";
/// The token is missing or not good.
pub const UNAUTHORIZED: &str = "Error.Unauthorized";
/// The identity of the token lacks its role.
pub const FORBIDDEN: &str = "Error.Forbidden";
/// There is no such path.
pub const NOT_FOUND: &str = "Error.NotFound";
/// The path does not accept the method.
pub const METHOD_NOT_ALLOWED: &str = "Error.MethodNotAllowed";
/// The body did not arrive in time.
pub const REQUEST_TIMEOUT: &str = "Error.RequestTimeout";
/// The body is too large.
pub const PAYLOAD_TOO_LARGE: &str = "Error.PayloadTooLarge";
/// The content type of the body is not accepted.
pub const UNSUPPORTED_MEDIA_TYPE: &str = "Error.UnsupportedMediaType";
/// The service failed.
pub const INTERNAL: &str = "Error.Internal";
/// The service has as many calls in progress as its limit allows.
pub const TOO_MANY_REQUESTS: &str = "Error.TooManyRequests";
/// The service cannot answer now: it is ending, or it waits for something that it needs.
pub const UNAVAILABLE: &str = "Error.Unavailable";
