//! Operations that give out tokens and keys.

use std::time::{Duration, SystemTime};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use signalr_serverless::{NegotiateOptions, Token, UserId};

use super::{call::Call, error::Error, public_url::public_origin, reply::Success};
use crate::state::State;

const MINUTE: u64 = 60;
/// The longest lifetime of a token, in minutes: a year.
const MOST_MINUTES: u64 = 366 * 24 * 60;

pub(super) async fn generate(state: &State, call: Call) -> Result<Success, Error> {
    #[derive(Serialize)]
    struct ClientTokenResponse {
        token: Token,
    }
    let minutes = call.number("minutesToExpire", 1, MOST_MINUTES)?.unwrap_or(60);
    let mut options =
        NegotiateOptions::default().with_lifetime(Duration::from_secs(minutes * MINUTE));
    if let Some(user) = call.query.first("userId").filter(|user| !user.is_empty()) {
        let user = UserId::parse(user).map_err(|error| Error::bad_name("userId", &error))?;
        options = options.with_user_id(user);
    }
    let audience =
        format!("{}/client/?hub={}", public_origin(&call.headers, state.scheme), call.hub);
    let token =
        Token::client(&state.keys.current().signing, &audience, &options, SystemTime::now())
            .map_err(|error| Error::bad("userId", error.to_string()))?;
    Ok(Success::json(ClientTokenResponse { token }))
}

/// Gives out a key that signs only client tokens, so that the access key itself is never sent.
pub(super) fn access_key(state: &State) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct AccessKeyResponse<'a> {
        access_key: &'a str,
        key_id: &'a str,
    }
    let key = state.keys.current().client.current(SystemTime::now());
    Json(AccessKeyResponse { access_key: &key.secret, key_id: &key.id }).into_response()
}
