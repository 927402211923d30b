//! Calls about the login of a client.

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{call::Call, hub_address::HubAddress};
use crate::{error::Error, error_code, operation::Operation};

/// The value with which .NET says that a login never ends.
const NEVER: &str = "9999-12-31T23:59:59.9999999+00:00";

/// The login behind a client's connection: its claims and its end.
///
/// The `connectionToken` of a client's negotiation names the client. Only the client knows this
/// token: it sends it as `id` with each request. A client of negotiation version 0 has none.
///
/// These calls exist since version 2026-07-01, so choose that version:
///
/// ```no_run
/// # async fn example(service: signalr_serverless::ConnectionString, connection_token: &str)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::{Duration, SystemTime};
/// use signalr_serverless::{HubName, rest::{ApiVersion, LoginRenewal, RestClient}};
///
/// let client = RestClient::new(&service)?.with_version(ApiVersion::V2026_07_01);
/// let login = client.hub(HubName::parse("chat")?).login(connection_token);
/// let in_an_hour = SystemTime::now() + Duration::from_secs(60 * 60);
/// let renewal = LoginRenewal::default().ending(in_an_hour).with_claim("role", "editor");
/// let claims = login.renew(&renewal).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Login {
    hub: HubAddress,
    connection_token: String,
}

/// The renewal of a login. Anything that is not given stays as it is.
///
/// ```
/// use signalr_serverless::rest::LoginRenewal;
///
/// let renewal = LoginRenewal::default().never_ending().with_claim("role", "editor");
/// assert_ne!(renewal, LoginRenewal::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginRenewal {
    end: Option<End>,
    claims: Option<Vec<(String, String)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Never,
    At(SystemTime),
}

impl LoginRenewal {
    /// Sets the end of the login. If the connection's token says so, the service closes the
    /// connection at that time.
    #[must_use]
    pub fn ending(mut self, end: SystemTime) -> Self {
        self.end = Some(End::At(end));
        self
    }

    /// Sets that the login never ends.
    #[must_use]
    pub fn never_ending(mut self) -> Self {
        self.end = Some(End::Never);
        self
    }

    /// Adds a claim to those that replace the user's. Several claims of one name are several
    /// values.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.claims.get_or_insert_default().push((name.into(), value.into()));
        self
    }

    /// Adds claims to those that replace the user's. An empty list removes all of them.
    #[must_use]
    pub fn with_claims(mut self, claims: impl IntoIterator<Item = (String, String)>) -> Self {
        self.claims.get_or_insert_default().extend(claims);
        self
    }
}

impl Login {
    pub(super) fn new(hub: HubAddress, connection_token: String) -> Self {
        Self { hub, connection_token }
    }

    /// Renews the login. The connection stays open. Returns the claims that a new token of the client
    /// should have.
    ///
    /// The new claims must name the same user, or none. The claims for the service, whose names begin with
    /// `asrs.s.`, stay.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub, connection_token: &str)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use signalr_serverless::{NegotiateOptions, UserId, claim, rest::LoginRenewal};
    ///
    /// let claims = hub.login(connection_token).renew(&LoginRenewal::default().never_ending()).await?;
    /// // For a new token of Ann. The options set the claims of the service.
    /// let own = claims.into_iter().filter(|(name, _)| !name.starts_with(claim::SERVICE_PREFIX));
    /// let options = NegotiateOptions::default()
    ///     .with_user_id(UserId::parse("ann")?)
    ///     .with_claims(own.map(|(name, value)| (name, value.into())));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::LoginGone`] if no open connection has the connection token,
    /// [`Error::OtherUser`] if the claims name another user, [`Error::InvalidValue`] for an end before 1970
    /// or after 9999, and [`Error::UnsupportedOperation`] before version 2026-07-01.
    pub async fn renew(&self, renewal: &LoginRenewal) -> Result<Vec<(String, String)>, Error> {
        let claims = renewal.claims.as_ref().map(|claims| {
            claims.iter().map(|(r#type, value)| ClaimRef { r#type, value }).collect()
        });
        let request = RefreshAuthRequest {
            connection_token: &self.connection_token,
            expire_time: renewal.end.map(written).transpose()?,
            claims,
        };
        read(self.hub.call(Operation::RefreshAuth).body(&request)?).await
    }

    /// The claims of the login.
    ///
    /// ```no_run
    /// # async fn example(hub: signalr_serverless::rest::Hub, connection_token: &str)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// for (name, value) in hub.login(connection_token).claims().await? {
    ///     println!("{name}: {value}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::LoginGone`] if no open connection has the connection token, and
    /// [`Error::UnsupportedOperation`] before version 2026-07-01.
    pub async fn claims(&self) -> Result<Vec<(String, String)>, Error> {
        let request = ConnectionClaimsRequest { connection_token: &self.connection_token };
        read(self.hub.call(Operation::GetConnectionClaims).body(&request)?).await
    }
}

/// Shows no connection token, because it is secret.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("hub", &self.hub).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefreshAuthRequest<'a> {
    connection_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expire_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Vec<ClaimRef<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionClaimsRequest<'a> {
    connection_token: &'a str,
}

#[derive(Serialize)]
struct ClaimRef<'a> {
    r#type: &'a str,
    value: &'a str,
}

#[derive(Deserialize)]
struct ConnectionClaimsResponse {
    claims: Vec<Claim>,
}

#[derive(Deserialize)]
struct Claim {
    r#type: String,
    value: String,
}

async fn read(call: Call<'_>) -> Result<Vec<(String, String)>, Error> {
    let answer: ConnectionClaimsResponse = call.read().await.map_err(explain)?;
    Ok(answer.claims.into_iter().map(|claim| (claim.r#type, claim.value)).collect())
}

/// Turns a refusal about the login into an error of this crate. Other errors stay as they are.
fn explain(error: Error) -> Error {
    let says = |code| matches!(&error, Error::Refused(refusal) if refusal.has_code(code));
    if says(error_code::CONNECTION_NOT_EXISTED) {
        Error::LoginGone
    } else if says(error_code::OTHER_USER) {
        Error::OtherUser
    } else {
        error
    }
}

fn written(end: End) -> Result<String, Error> {
    let time = match end {
        End::Never => return Ok(NEVER.to_owned()),
        End::At(time) => time,
    };
    let invalid = || Error::InvalidValue {
        what: "end of the login",
        problem: "is before 1970 or after the year 9999".to_owned(),
        remedy: "use a time to come, or a login that never ends",
    };
    let since = time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| invalid())?;
    let seconds = i64::try_from(since.as_secs()).map_err(|_| invalid())?;
    let time = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| invalid())?;
    time.format(&Rfc3339).map_err(|_| invalid())
}
