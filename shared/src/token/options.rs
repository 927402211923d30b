//! The options of a client's token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::{claim, payload::Claim};
use crate::{error::Error, name::UserId};

/// The options of a client's token: the user, its claims, and how the service treats the client.
///
/// The default is an anonymous client with a token for one hour. A value out of its range is an
/// error when the token is signed.
///
/// ```
/// use std::time::Duration;
/// use signalr_serverless::{NegotiateOptions, UserId};
///
/// let options = NegotiateOptions::default()
///     .with_user_id(UserId::parse("ann")?)
///     .with_claim("role", "editor")
///     .with_lifetime(Duration::from_secs(300));
/// # Ok::<(), signalr_serverless::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NegotiateOptions {
    pub(super) claims: Vec<(String, Value)>,
    pub(super) lifetime: Duration,
    user_id: Option<UserId>,
    authentication_type: Option<String>,
    name_claim_type: Option<String>,
    role_claim_type: Option<String>,
    diagnostic_client: bool,
    detailed_errors: bool,
    close_on_expiry: bool,
    authentication_expiry: Option<SystemTime>,
    handshake_timeout: Duration,
    max_poll_interval: Option<Duration>,
}

impl NegotiateOptions {
    const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
    const DEFAULT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);

    /// Makes the client this user.
    #[must_use]
    pub fn with_user_id(mut self, user_id: UserId) -> Self {
        self.user_id = Some(user_id);
        self
    }

    /// Adds a claim of the user. Several claims of one name become an array.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.push((name.into(), value.into()));
        self
    }

    /// Adds claims of the user.
    #[must_use]
    pub fn with_claims(mut self, claims: impl IntoIterator<Item = (String, Value)>) -> Self {
        self.claims.extend(claims);
        self
    }

    /// How long the token is valid, counted in whole seconds; one hour by default.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Says how the user logged in. `Bearer` adds no claim.
    #[must_use]
    pub fn with_authentication_type(mut self, authentication_type: impl Into<String>) -> Self {
        self.authentication_type = Some(authentication_type.into());
        self
    }

    /// Says which claim holds the user's name.
    #[must_use]
    pub fn with_name_claim_type(mut self, name: impl Into<String>) -> Self {
        self.name_claim_type = Some(name.into());
        self
    }

    /// Says which claim holds the user's roles.
    #[must_use]
    pub fn with_role_claim_type(mut self, name: impl Into<String>) -> Self {
        self.role_claim_type = Some(name.into());
        self
    }

    /// Traces the connection for diagnosis.
    #[must_use]
    pub fn with_diagnostic_client(mut self, diagnostic_client: bool) -> Self {
        self.diagnostic_client = diagnostic_client;
        self
    }

    /// Sends the client the reason when it is closed.
    #[must_use]
    pub fn with_detailed_errors(mut self, detailed_errors: bool) -> Self {
        self.detailed_errors = detailed_errors;
        self
    }

    /// Closes the connection when the token's lifetime ends.
    #[must_use]
    pub fn with_close_on_expiry(mut self, close_on_expiry: bool) -> Self {
        self.close_on_expiry = close_on_expiry;
        self
    }

    /// Closes the connection at this time, when the login behind it ends. This may be later than the
    /// end of the token, which is only for connecting. It is counted in whole seconds.
    #[must_use]
    pub fn with_authentication_expiry(mut self, expiry: SystemTime) -> Self {
        self.authentication_expiry = Some(expiry);
        self
    }

    /// How long the client may take for its handshake: 1 to 30 whole seconds, 15 by default.
    #[must_use]
    pub fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// How long a long poll may wait: 1 to 300 whole seconds.
    #[must_use]
    pub fn with_max_poll_interval(mut self, interval: Duration) -> Self {
        self.max_poll_interval = Some(interval);
        self
    }

    /// The claims that the service understands, in a fixed order.
    pub(super) fn service_claims(&self, expiry: u64) -> Result<Vec<Claim<'static>>, Error> {
        let handshake =
            whole_seconds("handshake timeout", self.handshake_timeout, 30, "use 1 to 30 s")?;
        let poll = self
            .max_poll_interval
            .map(|interval| whole_seconds("longest poll", interval, 300, "use 1 to 300 s"))
            .transpose()?;
        let custom_handshake = self.handshake_timeout != Self::DEFAULT_HANDSHAKE_TIMEOUT;
        let closes = self
            .authentication_expiry
            .map(|end| end.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
            .or(self.close_on_expiry.then_some(expiry));
        let flag = |set: bool, text: &str| set.then(|| text.to_owned());

        let claims = [
            (claim::USER_ID, self.user_id.as_ref().map(|id| id.as_str().to_owned())),
            (
                claim::AUTHENTICATION_TYPE,
                self.authentication_type.clone().filter(|kind| kind != "Bearer"),
            ),
            (claim::NAME_CLAIM_TYPE, self.name_claim_type.clone()),
            (claim::ROLE_CLAIM_TYPE, self.role_claim_type.clone()),
            (claim::DIAGNOSTIC_CLIENT, flag(self.diagnostic_client, "true")),
            (claim::DETAILED_ERRORS, flag(self.detailed_errors, "True")),
            (claim::HANDSHAKE_TIMEOUT, custom_handshake.then_some(handshake)),
            (claim::MAX_POLL_INTERVAL, poll),
            (claim::CLOSE_ON_EXPIRY, flag(closes.is_some(), "true")),
            (claim::AUTHENTICATION_EXPIRY, closes.map(|end| end.to_string())),
        ];
        let present = claims.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Ok(present.map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Default for NegotiateOptions {
    fn default() -> Self {
        Self {
            claims: Vec::new(),
            lifetime: Self::DEFAULT_LIFETIME,
            user_id: None,
            authentication_type: None,
            name_claim_type: None,
            role_claim_type: None,
            diagnostic_client: false,
            detailed_errors: false,
            close_on_expiry: false,
            authentication_expiry: None,
            handshake_timeout: Self::DEFAULT_HANDSHAKE_TIMEOUT,
            max_poll_interval: None,
        }
    }
}

fn whole_seconds(
    what: &'static str,
    given: Duration,
    most: u64,
    remedy: &'static str,
) -> Result<String, Error> {
    let seconds = given.as_secs();
    if given.subsec_nanos() != 0 || !(1..=most).contains(&seconds) {
        return Err(Error::InvalidValue { what, problem: format!("is {given:?}"), remedy });
    }
    Ok(seconds.to_string())
}
