//! The names of the headers of an upstream call.
//!
//! ```
//! use http::Request;
//! use signalr_serverless::upstream::header;
//!
//! let request = Request::post("/api/upstream").header(header::HUB, "chat").body(())?;
//! assert_eq!(request.headers()["x-asrs-hub"], "chat");
//! # Ok::<(), http::Error>(())
//! ```

use http::HeaderName;

/// The client's connection.
pub const CONNECTION_ID: HeaderName = HeaderName::from_static("x-asrs-connection-id");
/// The hub, with the application's prefix.
pub const HUB: HeaderName = HeaderName::from_static("x-asrs-hub");
/// The kind of event: `connections` or `messages`.
pub const CATEGORY: HeaderName = HeaderName::from_static("x-asrs-category");
/// The event: `connected`, `disconnected`, or the target of the client's call.
pub const EVENT: HeaderName = HeaderName::from_static("x-asrs-event");
/// The client's user; absent if it has none.
pub const USER_ID: HeaderName = HeaderName::from_static("x-asrs-user-id");
/// The claims of the client's token, as [`claims`](super::claims) writes them.
pub const USER_CLAIMS: HeaderName = HeaderName::from_static("x-asrs-user-claims");
/// The query that the client connected with, with `?` in front.
pub const CLIENT_QUERY: HeaderName = HeaderName::from_static("x-asrs-client-query");
/// The proof that the call is from the service: see [`SignatureKeys`](super::SignatureKeys).
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-asrs-signature");
