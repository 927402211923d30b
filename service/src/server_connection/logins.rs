//! Logins of clients that an app asks about or renews. The equivalents in REST are `:getClaims` and
//! `:refreshAuth`.

use std::{sync::Arc, time::SystemTime};

use signalr_server_protocol::{
    Claims, ConnectionClaims, GetConnectionClaims, RefreshAuth, Timestamp,
};

use super::{acks::NotDone, app::App};
use crate::login::{LoginEnd, NewClaims, OtherUser, Renewal};

pub(super) async fn refresh(app: &App, refresh: RefreshAuth) {
    let RefreshAuth { connection_token, claims, expires, ack_id, .. } = refresh;
    match renewal(claims, expires) {
        Ok(renewal) => answer(app, connection_token.0, Some(renewal), ack_id).await,
        Err(error) => app.link.answer(ack_id, Err(error)),
    }
}

pub(super) async fn claims_of(app: &App, get: GetConnectionClaims) {
    answer(app, get.connection_token.0, None, get.ack_id).await;
}

/// If there are no claims in the message, the old claims stay. SDKs send no claims to express this.
fn renewal(claims: Claims, expires: Timestamp) -> Result<Renewal, NotDone> {
    let ends = LoginEnd::at(expires.seconds, SystemTime::now());
    let ends = ends.ok_or_else(|| NotDone::bad(&"the end of the login is over"))?;
    let claims = (!claims.0.is_empty()).then(|| NewClaims::of_user(claims.0)).transpose();
    Ok(Renewal { ends: Some(ends), claims: claims.map_err(|error| NotDone::bad(&error))? })
}

async fn answer(app: &App, token: String, renewal: Option<Renewal>, ack_id: i32) {
    let connection = app.state.open_connection(&token, &app.link.hub);
    let Some(connection) = connection else { return app.link.answer(ack_id, Ok(false)) };
    let (state, link) = (Arc::clone(&app.state), Arc::clone(&app.link));
    app.later(async move {
        match state.cluster.login(link.hub.clone(), connection, renewal).await {
            Ok(Some(Ok(claims))) => {
                link.answer_with(ack_id, ConnectionClaims(Some(Claims(claims))).encode());
            }
            Ok(Some(Err(OtherUser))) => {
                let text = "the claims are of another user than the connection's";
                link.answer(ack_id, Err(NotDone::bad(&text)));
            }
            Ok(None) => link.answer(ack_id, Ok(false)),
            Err(error) => link.answer(ack_id, Err(error.into())),
        }
    })
    .await;
}
