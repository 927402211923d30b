//! Checks tokens: first their signature, then their claims.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Header, Validation, errors::ErrorKind};
use serde_json::{Map, Value};

use super::{
    key::{ALGORITHMS, Key},
    rejection::Rejection,
};

/// The longest token that is accepted, in bytes. API gateways accept about this much in all headers
/// together.
pub(super) const MAX_TOKEN: usize = 8 * 1024;

/// The claim that names a token's issuer.
pub(super) const ISSUER_CLAIM: &str = "iss";

/// The claim that usually says for whom a token is.
pub(super) const AUDIENCE_CLAIM: &str = "aud";

/// How much the issuer's clock and ours may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// The audience that tokens must have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// The claim that says for whom a token is.
    pub(super) audience_claim: &'a str,
    pub(super) audiences: &'a [String],
}

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unproven {
    #[error("the token's signature is not the issuer's")]
    Signature,
    #[error(
        "the token's claims cannot be read; they must be one JSON object, with each claim once \
         and of its usual type"
    )]
    Claims,
}

impl From<Unproven> for Rejection {
    fn from(unproven: Unproven) -> Self {
        Self::Token(unproven.to_string())
    }
}

/// The header of a token that may be good: nothing is proven yet.
pub(super) fn header(token: &str) -> Result<Header, Rejection> {
    if token.len() > MAX_TOKEN {
        return reject(format!(
            "the token has {} bytes; at most {MAX_TOKEN} are taken",
            token.len()
        ));
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| {
        Rejection::Token("the token is not a JWT signed with a known algorithm".to_owned())
    })?;
    if !ALGORITHMS.contains(&header.alg) {
        return reject(format!(
            "the token is signed with {:?}, which proves nothing here",
            header.alg
        ));
    }
    // RFC 7515, section 4.1.11: a token with a critical header that is not understood is bad.
    if header.crit.is_some() {
        return reject("the token's header has 'crit', which is not supported".to_owned());
    }
    Ok(header)
}

/// The claims of a token that this key signed. [`check`] looks at what they say.
pub(super) fn claims(
    token: &str,
    header: &Header,
    key: &Key,
) -> Result<Map<String, Value>, Unproven> {
    let mut validation = Validation::new(header.alg);
    // Claims are checked below, with the time as an argument and without optional claims.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode(token, key.decoding(), &validation) {
        Ok(decoded) => Ok(decoded.claims),
        Err(error) => Err(match error.kind() {
            // The claims are read only if the signature is good.
            ErrorKind::Json(_) => Unproven::Claims,
            ErrorKind::Base64(_) if is_signed(token, header, key) => Unproven::Claims,
            _ => Unproven::Signature,
        }),
    }
}

/// Whether this key signed the token, even if its claims cannot be read.
fn is_signed(token: &str, header: &Header, key: &Key) -> bool {
    let Some((message, signature)) = token.rsplit_once('.') else { return false };
    let message = message.as_bytes();
    jsonwebtoken::crypto::verify(signature, message, key.decoding(), header.alg).unwrap_or(false)
}

/// Checks the claims of a token whose signature is good.
pub(super) fn check(
    claims: &Map<String, Value>,
    expected: Expected<'_>,
    now: SystemTime,
) -> Result<(), Rejection> {
    check_audience(claims, expected)?;
    check_times(claims, now)
}

/// Checks the audience. One of several is enough: some issuers add themselves to the requested
/// audience.
fn check_audience(claims: &Map<String, Value>, expected: Expected<'_>) -> Result<(), Rejection> {
    let Expected { audience_claim, audiences } = expected;
    let is_ours = |audience: &Value| {
        audience.as_str().is_some_and(|audience| audiences.iter().any(|ours| ours == audience))
    };
    let found = match claims.get(audience_claim) {
        Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
        Some(audience) => is_ours(audience),
        None => false,
    };
    if found {
        return Ok(());
    }
    let what = match audience_claim {
        AUDIENCE_CLAIM => "audience",
        other => other,
    };
    let expected = format!("'{}'", audiences.join("' or '"));
    Err(wrong(what, &expected, claims.get(audience_claim)))
}

/// The rejection for a claim with a wrong value.
pub(super) fn wrong(what: &str, expected: &str, came: Option<&Value>) -> Rejection {
    Rejection::Token(format!("the token's {what} must be {expected}; {} came", shown(came)))
}

fn check_times(claims: &Map<String, Value>, now: SystemTime) -> Result<(), Rejection> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let leeway = LEEWAY.as_secs_f64();
    match time(claims, "exp")? {
        None => return reject("the token has no 'exp', so that it would last for ever".to_owned()),
        Some(expiry) if expiry + leeway <= now => {
            return reject("the token has expired; get a new one".to_owned());
        }
        Some(_) => (),
    }
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|start| start - leeway > now) {
            return reject(format!("the token is from the future by its '{name}'"));
        }
    }
    Ok(())
}

/// A claim in seconds since 1970.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Rejection> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(time) => Ok(Some(time)),
            None => reject(format!("the token's '{name}' is not a number")),
        },
    }
}

fn reject<T>(problem: String) -> Result<T, Rejection> {
    Err(Rejection::Token(problem))
}

/// A claim for the text of a refusal.
fn shown(claim: Option<&Value>) -> String {
    const LONGEST: usize = 200;
    match claim {
        None => "none".to_owned(),
        Some(claim) => claim.to_string().chars().take(LONGEST).collect(),
    }
}
