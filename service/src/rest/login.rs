//! Operations on the login behind a connection. The secret connection token of a client's negotiation
//! names the client. Source: version 2026-07-01 of Azure's REST API, as in Azure's SDK.

use std::time::SystemTime;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{body::Format, call::Call, error::Error, reply::Success};
use crate::{
    login::{LoginEnd, NewClaims, OtherUser, Renewal},
    state::State,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshAuthRequest {
    connection_token: String,
    expire_time: Option<String>,
    claims: Option<Vec<Claim>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimsRequest {
    connection_token: String,
}

#[derive(Deserialize, Serialize)]
struct Claim {
    r#type: String,
    value: String,
}

#[derive(Serialize)]
struct ClaimsResponse {
    claims: Vec<Claim>,
}

/// Renews the login of a connection.
pub(super) async fn refresh(state: &State, call: Call) -> Result<Success, Error> {
    let request: RefreshAuthRequest = read(&call)?;
    let now = SystemTime::now();
    let ends = request.expire_time.map(|text| login_end(&text, now)).transpose()?;
    let claims = request.claims.map(claims).transpose()?;
    answer(state, call, &request.connection_token, Some(Renewal { ends, claims })).await
}

/// The claims of a connection.
pub(super) async fn claims_of(state: &State, call: Call) -> Result<Success, Error> {
    let request: ClaimsRequest = read(&call)?;
    answer(state, call, &request.connection_token, None).await
}

async fn answer(
    state: &State,
    call: Call,
    token: &str,
    renewal: Option<Renewal>,
) -> Result<Success, Error> {
    if token.is_empty() {
        let message = "connectionToken is empty; give the connectionToken of the negotiation";
        return Err(Error::bad("connectionToken", message));
    }
    let connection = state.open_connection(token, &call.hub).ok_or_else(Error::no_login)?;
    let asked = state.cluster.login(call.hub, connection, renewal).await?;
    let claims = asked.ok_or_else(Error::no_login)?;
    let claims = claims.map_err(|OtherUser| Error::login_of_another())?.into_iter();
    let claims = claims.map(|(r#type, value)| Claim { r#type, value }).collect();
    Ok(Success::json(ClaimsResponse { claims }))
}

fn read<T: DeserializeOwned>(call: &Call) -> Result<T, Error> {
    if call.body.format()? != Format::Json {
        return Err(Error::bad("body", "a login is named by application/json only"));
    }
    serde_json::from_slice(&call.body.bytes).map_err(|error| {
        // The text of a body that is not JSON is not shown, because it may contain the token.
        Error::bad("body", format!("the body is not what it should be: {error}"))
    })
}

fn claims(claims: Vec<Claim>) -> Result<NewClaims, Error> {
    let claims = claims.into_iter().map(|claim| (claim.r#type, claim.value)).collect();
    NewClaims::of_user(claims).map_err(|error| Error::bad("claims", error.to_string()))
}

/// The end of a login. The last day of the calendar means that it never ends, as in .NET.
fn login_end(text: &str, now: SystemTime) -> Result<LoginEnd, Error> {
    let bad = |problem: &str| {
        let shown: String = text.chars().take(64).collect();
        Error::bad("expireTime", format!("expireTime '{shown}' {problem}"))
    };
    let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) else {
        return Err(bad("is not a time; write it as 2026-12-31T23:59:59Z"));
    };
    LoginEnd::at(time.unix_timestamp(), now)
        .ok_or_else(|| bad("is over; give a time to come, or close the connection"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_time_is_read_as_dotnet_writes_it() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let end = LoginEnd::At { epoch: 1_000_000_060, left: 60 };
        for (text, expected) in [
            ("2001-09-09T01:47:40Z", end),
            ("2001-09-09T01:47:40+00:00", end),
            ("2001-09-09T03:47:40.9999999+02:00", end),
            ("9999-12-31T23:59:59.9999999+00:00", LoginEnd::Never),
            ("9999-12-31T23:59:59.9999999-12:00", LoginEnd::Never),
        ] {
            assert_eq!(login_end(text, now).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "soon",
            "1000000060",
            "2001-09-09T01:47:40",
            "2001-09-09",
            "2001-09-09T01:46:40Z",
            "1000-01-01T00:00:00Z",
            "2001-02-30T00:00:00Z",
        ] {
            assert!(login_end(text, now).is_err(), "{text}");
        }
    }
}
