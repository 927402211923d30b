//! Behaviour of the real service that is not known outside of it. It is decided here, in one place.

use http::StatusCode;

/// The text for a client of a hub without an app server. Source: the text of the real service in
/// its documentation.
pub(crate) const NO_SERVER: &str = "Azure SignalR Service is in Default mode, which is a proxy to \
    app servers, and no app server of this hub is connected; start one, or use \
    --service-mode serverless";

/// The status of this refusal. A client may try again.
pub(crate) const NO_SERVER_STATUS: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// The text for the clients of a server connection that is lost. They may reconnect.
pub(crate) const CLOSED_APP: &str = "the connection to the app server was lost";

/// The text for a hub that calls a client, if the client takes too long.
pub(crate) const NOT_ANSWERED: &str = "The client did not answer in time.";

/// The text for a hub that calls a client, if the client is not connected.
pub(crate) const UNKNOWN_CLIENT: &str = "does not exist.";
