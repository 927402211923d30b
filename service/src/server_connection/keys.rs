//! Keys for apps with a Microsoft Entra identity. Apps sign the tokens of their clients with them.
//! The equivalent in REST is `accessKey`.

use std::time::SystemTime;

use signalr_server_protocol::{AccessKeyRequest, AccessKeyResponse, Extensions, Secret};

use super::app::App;
use crate::{
    auth::{AuthError, Call},
    query::Query,
};

pub(super) async fn answer(app: &App, request: AccessKeyRequest) {
    let checked = check(app, &request.token).await;
    let extensions = Extensions::default();
    app.link.queue.push(match checked {
        Ok(()) => {
            let key = app.state.keys.current().client.current(SystemTime::now());
            AccessKeyResponse {
                kid: Some(key.id.clone()),
                access_key: Some(Secret(key.secret.clone())),
                error_type: None,
                error: None,
                extensions,
            }
        }
        Err(error) => AccessKeyResponse {
            kid: None,
            access_key: None,
            error_type: Some("Unauthorized".to_owned()),
            error: Some(error.to_string()),
            extensions,
        },
    });
}

async fn check(app: &App, token: &Secret) -> Result<(), AuthError> {
    let query = Query::default();
    let call = Call { hosts: Vec::new(), path: "/api/v1/auth/accessKey", query: &query };
    app.state.verifier.verify_call(&token.0, &call, SystemTime::now()).await
}
