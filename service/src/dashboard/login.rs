//! Logins: an access key gives a cookie that scripts cannot read and other sites do not send.
//!
//! The cookie is a signed token, so no node keeps a list, and a login survives a restart. It ends after its
//! lifetime, by a logout in its browser, or when the access key is removed.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Extension, Json,
    extract::{Request, State as Extract},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hmac::{Hmac, Mac};
use http::{HeaderMap, Method, StatusCode, header, uri::Authority};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use signalr_http_server::SocketPlace;
use signalr_serverless::{AccessKey, ConnectionString, Credential};
use subtle::ConstantTimeEq;

use super::{error::Error, parameters, view::Dashboard};
use crate::random_id::random_id;

/// How long a login lasts.
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// The largest body of a login, in bytes. Everybody may send such a body.
const LARGEST_KEY: usize = 16 * 1024;
/// The prefix of the cookie's name. The port follows, because all ports of a host share their cookies.
const COOKIE: &str = "signalr-dashboard-";
const AUDIENCE: &str = "dashboard";
const CSRF_TOKEN: &str = "x-csrf-token";

/// A login, in the form of its cookie.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Login {
    aud: String,
    /// The end of the login, in seconds since 1970.
    exp: u64,
    /// The token that requests must have if they change something.
    csrf: String,
}

impl Login {
    fn new(now: SystemTime) -> Result<Self, getrandom::Error> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let exp = now.saturating_add(LIFETIME).as_secs();
        Ok(Self { aud: AUDIENCE.to_owned(), exp, csrf: random_id()? })
    }

    /// How long the login still lasts.
    pub(super) fn left(&self, now: SystemTime) -> Duration {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_secs(self.exp).saturating_sub(now)
    }

    fn sign(&self, key: &AccessKey) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header::new(Algorithm::HS256);
        jsonwebtoken::encode(&header, self, &EncodingKey::from_secret(&secret(key)))
    }

    /// Reads a cookie. Any of the keys must have signed it, and it must not have expired.
    fn read(token: &str, keys: &[AccessKey]) -> Option<Self> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.leeway = 0;
        let read = |key| {
            let key = DecodingKey::from_secret(&secret(key));
            jsonwebtoken::decode::<Self>(token, &key, &validation).ok()
        };
        keys.iter().find_map(read).map(|token| token.claims)
    }
}

/// The secret that signs logins. It is derived from the access key and signs nothing else.
#[expect(clippy::expect_used, reason = "this MAC takes keys of any length")]
fn secret(key: &AccessKey) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length");
    mac.chain_update("logins to the dashboard").finalize().into_bytes().into()
}

/// The body of a login: an access key, or a connection string with one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: String,
}

impl Key {
    /// Whether this is one of the keys. The time of the check reveals nothing.
    fn is_one_of(&self, keys: &[AccessKey]) -> bool {
        let text = self.key.trim();
        let came = match ConnectionString::parse(text).map(|parsed| parsed.credential().clone()) {
            Ok(Credential::AccessKey(key)) => key,
            _ => match AccessKey::parse(text) {
                Ok(key) => key,
                Err(_) => return false,
            },
        };
        keys.iter().fold(false, |found, key| found | (*key == came))
    }
}

/// `POST /dashboard/api/login`
pub(super) async fn log_in(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    request: Request,
) -> Result<Response, Error> {
    let headers = request.headers().clone();
    let place = request.extensions().get::<Arc<SocketPlace>>();
    let caller = place.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |place| place.peer());
    let key: Key = parameters::body(&dashboard.state, request, LARGEST_KEY).await?;
    let keys = dashboard.state.keys.current();
    if !dashboard.attempts.attempt(caller, || key.is_one_of(&keys.all)).await {
        return Err(Error::wrong_key());
    }
    tracing::info!(%caller, "a login to the dashboard");
    let login = Login::new(SystemTime::now()).map_err(|error| Error::internal(&error))?;
    let token = login.sign(&keys.signing).map_err(|error| Error::internal(&error))?;
    let cookie = cookie(&headers, &token, LIFETIME);
    Ok(([(header::SET_COOKIE, cookie)], described(&login)).into_response())
}

/// `POST /dashboard/api/logout`
pub(super) async fn log_out(headers: HeaderMap) -> Response {
    let cookie = cookie(&headers, "", Duration::ZERO);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

/// `GET /dashboard/api/session`
pub(super) async fn session(Extension(login): Extension<Login>) -> impl IntoResponse {
    described(&login)
}

fn described(login: &Login) -> Json<serde_json::Value> {
    let seconds = login.left(SystemTime::now()).as_secs();
    Json(
        json!({ "csrfToken": login.csrf, "secondsLeft": seconds, "version": env!("CARGO_PKG_VERSION") }),
    )
}

/// Checks that a request has a login. If the request changes something, it must also have the login's
/// token.
pub(super) async fn check(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let headers = request.headers();
    let token = sent_cookie(headers).ok_or_else(Error::no_login)?;
    let keys = dashboard.state.keys.current();
    let login = Login::read(token, &keys.all).ok_or_else(Error::no_login)?;
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let came = headers.get(CSRF_TOKEN).map_or(&b""[..], |value| value.as_bytes());
        if !bool::from(came.ct_eq(login.csrf.as_bytes())) {
            return Err(Error::forged());
        }
    }
    request.extensions_mut().insert(login);
    Ok(next.run(request).await)
}

fn sent_cookie(headers: &HeaderMap) -> Option<&str> {
    let name = cookie_name(headers);
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|one| one.to_str().ok());
    let mut pairs = cookies.flat_map(|one| one.split(';')).filter_map(|one| one.split_once('='));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

fn cookie_name(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let port = host.and_then(|host| host.parse::<Authority>().ok()?.port_u16());
    format!("{COOKIE}{}", port.unwrap_or(0))
}

fn cookie(headers: &HeaderMap, token: &str, lifetime: Duration) -> String {
    let is_secured = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let secure = if is_secured { "; Secure" } else { "" };
    let (name, seconds) = (cookie_name(headers), lifetime.as_secs());
    format!("{name}={token}; Path=/dashboard; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_good_until_its_end_and_for_its_keys_alone() {
        let key = |text| AccessKey::parse(text).unwrap();
        let login = Login::new(SystemTime::now()).unwrap();
        let token = login.sign(&key("one")).unwrap();
        assert_eq!(Login::read(&token, &[key("two"), key("one")]).unwrap().csrf, login.csrf);
        assert!(Login::read(&token, &[key("two")]).is_none());
        let ended = Login { exp: 1, ..login.clone() }.sign(&key("one")).unwrap();
        assert!(Login::read(&ended, &[key("one")]).is_none());
        let other = Login { aud: "chat".to_owned(), ..login }.sign(&key("one")).unwrap();
        assert!(Login::read(&other, &[key("one")]).is_none());
        // A token that the access key signed for calls is not a login.
        let header = Header::new(Algorithm::HS256);
        let claims = json!({ "aud": AUDIENCE, "exp": u32::MAX, "csrf": "" });
        let own = EncodingKey::from_secret(b"one");
        let token = jsonwebtoken::encode(&header, &claims, &own).unwrap();
        assert!(Login::read(&token, &[key("one")]).is_none());
    }
}
