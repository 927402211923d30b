//! Every REST operation: its method, path and status in each API version that has the operation.
//!
//! Both sides use this table. The SDK fills a route's path and calls it. The service mounts the
//! same routes. Source: the published descriptions of the data plane.
//!
//! ```
//! use signalr_serverless::operation::{ApiVersion, Operation};
//!
//! for operation in Operation::ALL {
//!     if let Some(route) = operation.route(ApiVersion::default()) {
//!         println!("{} {} answers {}", route.method, route.path, route.status);
//!     }
//! }
//! ```

use std::{fmt, str::FromStr};

use http::Method;

/// A version of the data-plane API.
///
/// ```
/// use signalr_serverless::operation::ApiVersion;
///
/// assert_eq!(ApiVersion::default().as_str(), "2024-12-01");
/// assert_eq!("2022-06-01".parse(), Ok(ApiVersion::V2022_06_01));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiVersion {
    /// `/api/v1-preview/…`, on Azure at port 5002: only five kinds of sends.
    V1Preview,
    /// `/api/v1/…`, without an `api-version` in the query.
    V1,
    /// `/api/…?api-version=2022-06-01`.
    V2022_06_01,
    /// `/api/…?api-version=2022-11-01`: adds `:generateToken`.
    V2022_11_01,
    /// `/api/…?api-version=2023-07-01`: adds `:execute`.
    V2023_07_01,
    /// `/api/…?api-version=2024-12-01`.
    #[default]
    V2024_12_01,
    /// `/api/…?api-version=2026-07-01`: adds the claims and the renewal of a client's login.
    V2026_07_01,
}

impl ApiVersion {
    /// All versions, the oldest first.
    pub const ALL: [Self; 7] = [
        Self::V1Preview,
        Self::V1,
        Self::V2022_06_01,
        Self::V2022_11_01,
        Self::V2023_07_01,
        Self::V2024_12_01,
        Self::V2026_07_01,
    ];

    /// The versions that a call names in its `api-version` query parameter, the oldest first.
    pub const IN_QUERY: [Self; 5] = [
        Self::V2022_06_01,
        Self::V2022_11_01,
        Self::V2023_07_01,
        Self::V2024_12_01,
        Self::V2026_07_01,
    ];

    /// The version as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1Preview => "v1-preview",
            Self::V1 => "v1",
            Self::V2022_06_01 => "2022-06-01",
            Self::V2022_11_01 => "2022-11-01",
            Self::V2023_07_01 => "2023-07-01",
            Self::V2024_12_01 => "2024-12-01",
            Self::V2026_07_01 => "2026-07-01",
        }
    }

    /// Whether calls carry the version as `api-version` in the query.
    #[must_use]
    pub fn is_in_query(self) -> bool {
        Self::IN_QUERY.contains(&self)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a text that names no API version.
///
/// ```
/// use signalr_serverless::operation::ApiVersion;
///
/// assert!("v3".parse::<ApiVersion>().unwrap_err().to_string().contains("'v3' is not known"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "API version '{0}' is not known; use 2024-12-01, another one of 2022-06-01 to 2026-07-01, v1 or \
     v1-preview"
)]
pub struct UnknownApiVersion(String);

impl FromStr for ApiVersion {
    type Err = UnknownApiVersion;

    fn from_str(value: &str) -> Result<Self, UnknownApiVersion> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == value)
            .ok_or_else(|| UnknownApiVersion(value.to_owned()))
    }
}

/// One way to call an operation: a version, a method, a path and the status of success. [`Operation`] has an
/// example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The versions that have this route, the oldest first.
    pub versions: &'static [ApiVersion],
    /// The HTTP method.
    pub method: Method,
    /// The path, with parameters as `{hub}`, `{group}`, `{user}`, `{connectionId}`, `{streamId}`,
    /// and the comma lists `{groups}` and `{users}`.
    pub path: &'static str,
    /// The status of success.
    pub status: u16,
}

const fn preview(path: &'static str) -> Route {
    Route { versions: &[ApiVersion::V1Preview], method: Method::POST, path, status: 202 }
}

const fn v1(method: Method, path: &'static str, status: u16) -> Route {
    Route { versions: &[ApiVersion::V1], method, path, status }
}

const fn since_2022(method: Method, path: &'static str, status: u16) -> Route {
    Route { versions: &ApiVersion::IN_QUERY, method, path, status }
}

/// Since 2022-11-01.
const fn since_late_2022(method: Method, path: &'static str, status: u16) -> Route {
    const VERSIONS: &[ApiVersion] = ApiVersion::IN_QUERY.split_at(1).1;
    Route { versions: VERSIONS, method, path, status }
}

const fn since_2023(method: Method, path: &'static str, status: u16) -> Route {
    const VERSIONS: &[ApiVersion] = ApiVersion::IN_QUERY.split_at(2).1;
    Route { versions: VERSIONS, method, path, status }
}

const fn since_2024(method: Method, path: &'static str, status: u16) -> Route {
    const VERSIONS: &[ApiVersion] = ApiVersion::IN_QUERY.split_at(3).1;
    Route { versions: VERSIONS, method, path, status }
}

const fn since_2026(method: Method, path: &'static str, status: u16) -> Route {
    const VERSIONS: &[ApiVersion] = ApiVersion::IN_QUERY.split_at(4).1;
    Route { versions: VERSIONS, method, path, status }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident, query $query:expr, [$($route:expr),+ $(,)?];)+) => {
        /// An operation of the data plane.
        ///
        /// ```
        /// use signalr_serverless::operation::{ApiVersion, Operation};
        ///
        /// let route = Operation::Broadcast.route(ApiVersion::V1).unwrap();
        /// assert_eq!((route.path, route.status), ("/api/v1/hubs/{hub}", 202));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $($(#[$doc])* $operation,)+
        }

        impl Operation {
            /// All operations.
            pub const ALL: &[Self] = &[$(Self::$operation,)+];

            /// Every route of the operation. The first route of a version is the published one,
            /// which the SDK calls. The service accepts the others too.
            #[must_use]
            pub const fn routes(self) -> &'static [Route] {
                match self {
                    $(Self::$operation => const { &[$($route,)+] },)+
                }
            }

            /// The query parameters of the operation, in addition to `api-version`.
            #[must_use]
            pub const fn query(self) -> &'static [&'static str] {
                match self {
                    $(Self::$operation => $query,)+
                }
            }
        }
    };
}

impl Operation {
    /// The published route of the operation in a version, or `None` if the version does not have
    /// it.
    #[must_use]
    pub fn route(self, version: ApiVersion) -> Option<&'static Route> {
        self.routes().iter().find(|route| route.versions.contains(&version))
    }
}

operations! {
    /// Send to every connection of the hub.
    Broadcast, query &["application", "excluded"], [
        preview("/api/v1-preview/hub/{hub}"),
        v1(Method::POST, "/api/v1/hubs/{hub}", 202),
        since_2022(Method::POST, "/api/hubs/{hub}/:send", 202),
    ];
    /// Send to every connection of a user.
    SendToUser, query &["application"], [
        preview("/api/v1-preview/hub/{hub}/user/{user}"),
        v1(Method::POST, "/api/v1/hubs/{hub}/users/{user}", 202),
        since_2022(Method::POST, "/api/hubs/{hub}/users/{user}/:send", 202),
    ];
    /// Send to several users, separated by commas.
    SendToUsers, query &[], [
        preview("/api/v1-preview/hub/{hub}/users/{users}"),
    ];
    /// Send to every connection of a group.
    SendToGroup, query &["application", "excluded"], [
        preview("/api/v1-preview/hub/{hub}/group/{group}"),
        v1(Method::POST, "/api/v1/hubs/{hub}/groups/{group}", 202),
        since_2022(Method::POST, "/api/hubs/{hub}/groups/{group}/:send", 202),
    ];
    /// Send to several groups, separated by commas.
    SendToGroups, query &[], [
        preview("/api/v1-preview/hub/{hub}/groups/{groups}"),
    ];
    /// Send to one connection.
    SendToConnection, query &["application"], [
        v1(Method::POST, "/api/v1/hubs/{hub}/connections/{connectionId}", 202),
        since_2022(Method::POST, "/api/hubs/{hub}/connections/{connectionId}/:send", 202),
    ];
    /// Invoke a method on one client and return its result.
    InvokeConnection, query &["application"], [
        since_2024(Method::POST, "/api/hubs/{hub}/connections/{connectionId}/:invoke", 200),
    ];
    /// Send one item of a stream to a client.
    SendStreamItem, query &["application", "completed"], [
        since_2024(Method::POST, "/api/hubs/{hub}/connections/{connectionId}/streams/{streamId}/:send", 202),
    ];
    /// Complete a stream of a client, with an error if a reason is given.
    CompleteStream, query &["application", "reason"], [
        since_2024(Method::POST, "/api/hubs/{hub}/connections/{connectionId}/streams/{streamId}/:complete", 202),
    ];
    /// Renew the login of a client. The secret connection token names the client.
    RefreshAuth, query &["application"], [
        since_2026(Method::POST, "/api/hubs/{hub}/connections/:refreshAuth", 200),
    ];
    /// Get the claims of a client's login.
    GetConnectionClaims, query &["application"], [
        since_2026(Method::POST, "/api/hubs/{hub}/connections/:getClaims", 200),
        since_2026(Method::QUERY, "/api/hubs/{hub}/connections/claims", 200),
    ];
    /// Ask whether a connection is open.
    ConnectionExists, query &["application"], [
        v1(Method::GET, "/api/v1/hubs/{hub}/connections/{connectionId}", 200),
        v1(Method::HEAD, "/api/v1/hubs/{hub}/connections/{connectionId}", 200),
        since_2022(Method::HEAD, "/api/hubs/{hub}/connections/{connectionId}", 200),
        since_2022(Method::GET, "/api/hubs/{hub}/connections/{connectionId}", 200),
    ];
    /// Close one connection.
    CloseConnection, query &["application", "reason"], [
        v1(Method::DELETE, "/api/v1/hubs/{hub}/connections/{connectionId}", 202),
        since_2022(Method::DELETE, "/api/hubs/{hub}/connections/{connectionId}", 200),
    ];
    /// Close every connection of the hub.
    CloseHubConnections, query &["application", "excluded", "reason"], [
        since_2022(Method::POST, "/api/hubs/{hub}/:closeConnections", 204),
    ];
    /// Close every connection of a group.
    CloseGroupConnections, query &["application", "excluded", "reason"], [
        since_2022(Method::POST, "/api/hubs/{hub}/groups/{group}/:closeConnections", 204),
    ];
    /// Close every connection of a user.
    CloseUserConnections, query &["application", "excluded", "reason"], [
        since_2022(Method::POST, "/api/hubs/{hub}/users/{user}/:closeConnections", 204),
    ];
    /// Ask whether a group has any connection.
    GroupExists, query &["application"], [
        v1(Method::GET, "/api/v1/hubs/{hub}/groups/{group}", 200),
        v1(Method::HEAD, "/api/v1/hubs/{hub}/groups/{group}", 200),
        since_2022(Method::HEAD, "/api/hubs/{hub}/groups/{group}", 200),
        since_2022(Method::GET, "/api/hubs/{hub}/groups/{group}", 200),
    ];
    /// Ask whether a user has any connection.
    UserExists, query &["application"], [
        v1(Method::GET, "/api/v1/hubs/{hub}/users/{user}", 200),
        v1(Method::HEAD, "/api/v1/hubs/{hub}/users/{user}", 200),
        since_2022(Method::HEAD, "/api/hubs/{hub}/users/{user}", 200),
        since_2022(Method::GET, "/api/hubs/{hub}/users/{user}", 200),
    ];
    /// Add a connection to a group.
    AddConnectionToGroup, query &["application"], [
        v1(Method::PUT, "/api/v1/hubs/{hub}/groups/{group}/connections/{connectionId}", 200),
        v1(Method::PUT, "/api/v1/hubs/{hub}/connections/{connectionId}/groups/{group}", 200),
        since_2022(Method::PUT, "/api/hubs/{hub}/groups/{group}/connections/{connectionId}", 200),
    ];
    /// Remove a connection from a group.
    RemoveConnectionFromGroup, query &["application"], [
        v1(Method::DELETE, "/api/v1/hubs/{hub}/groups/{group}/connections/{connectionId}", 200),
        v1(Method::DELETE, "/api/v1/hubs/{hub}/connections/{connectionId}/groups/{group}", 200),
        since_2022(Method::DELETE, "/api/hubs/{hub}/groups/{group}/connections/{connectionId}", 200),
    ];
    /// Remove a connection from all its groups.
    RemoveConnectionFromAllGroups, query &["application"], [
        since_2022(Method::DELETE, "/api/hubs/{hub}/connections/{connectionId}/groups", 200),
    ];
    /// List a group's connections, page by page.
    ListGroupConnections, query &["application", "maxpagesize", "top", "continuationToken"], [
        since_2024(Method::GET, "/api/hubs/{hub}/groups/{group}/connections", 200),
    ];
    /// Ask whether a user is in a group.
    UserInGroup, query &["application"], [
        v1(Method::GET, "/api/v1/hubs/{hub}/groups/{group}/users/{user}", 200),
        v1(Method::HEAD, "/api/v1/hubs/{hub}/groups/{group}/users/{user}", 200),
        v1(Method::GET, "/api/v1/hubs/{hub}/users/{user}/groups/{group}", 200),
        v1(Method::HEAD, "/api/v1/hubs/{hub}/users/{user}/groups/{group}", 200),
        since_2022(Method::HEAD, "/api/hubs/{hub}/users/{user}/groups/{group}", 200),
        since_2022(Method::GET, "/api/hubs/{hub}/users/{user}/groups/{group}", 200),
    ];
    /// Add a user to a group.
    AddUserToGroup, query &["application", "ttl"], [
        v1(Method::PUT, "/api/v1/hubs/{hub}/groups/{group}/users/{user}", 202),
        v1(Method::PUT, "/api/v1/hubs/{hub}/users/{user}/groups/{group}", 202),
        since_2022(Method::PUT, "/api/hubs/{hub}/users/{user}/groups/{group}", 200),
    ];
    /// Remove a user from a group.
    RemoveUserFromGroup, query &["application"], [
        v1(Method::DELETE, "/api/v1/hubs/{hub}/groups/{group}/users/{user}", 202),
        v1(Method::DELETE, "/api/v1/hubs/{hub}/users/{user}/groups/{group}", 202),
        since_2022(Method::DELETE, "/api/hubs/{hub}/users/{user}/groups/{group}", 204),
    ];
    /// Remove a user from all groups.
    RemoveUserFromAllGroups, query &["application"], [
        v1(Method::DELETE, "/api/v1/hubs/{hub}/users/{user}/groups", 200),
        since_2022(Method::DELETE, "/api/hubs/{hub}/users/{user}/groups", 204),
    ];
    /// Run commands for every connection that a filter matches.
    Execute, query &["filter"], [
        since_2023(Method::POST, "/api/hubs/{hub}/:execute", 202),
    ];
    /// Issue a client token.
    GenerateToken, query &["userId", "minutesToExpire"], [
        since_late_2022(Method::POST, "/api/hubs/{hub}/:generateToken", 200),
    ];
    /// Give out the key that signs client tokens.
    AccessKey, query &[], [
        v1(Method::GET, "/api/v1/auth/accessKey", 200),
        since_2024(Method::GET, "/api/auth/accessKey", 200),
    ];
    /// Ask whether the service is up.
    Health, query &[], [
        v1(Method::HEAD, "/api/v1/health", 200),
        v1(Method::GET, "/api/v1/health", 200),
        since_2022(Method::HEAD, "/api/health", 200),
        since_2022(Method::GET, "/api/health", 200),
    ];
}
