//! The negotiate function: tells a client where to connect and gives it the token to do so.
//!
//! The answer is signed here, without asking the service. A network call is made only for the
//! identity `jwt`, when the keys of the tokens' issuer are not known yet.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Extension, Json, Router,
    extract::State,
    http::{header, request::Parts},
    response::IntoResponse,
};
use signalr_function_runtime::{ClientToken, Config, ConfigError, Function, Identity, Problem};
use signalr_serverless::{HubName, Negotiator};

/// The function behind its paths.
///
/// # Errors
///
/// [`ConfigError`] where the connection string has no key to sign with.
pub fn router(config: &Config) -> Result<Router, ConfigError> {
    Ok(signalr_function_runtime::router(config, [function(config)?]))
}

/// The function itself, to be put behind its paths together with others. Everyone may call it.
///
/// # Errors
///
/// As [`router`].
pub fn function(config: &Config) -> Result<Function, ConfigError> {
    let negotiate = Negotiate {
        negotiator: Negotiator::new(&config.connection_string)?,
        identity: config.identity.clone(),
        client_token: config.client_token.clone(),
    };
    Ok(Function::open("negotiate", handle, Arc::new(negotiate)))
}

struct Negotiate {
    negotiator: Negotiator,
    identity: Identity,
    client_token: ClientToken,
}

async fn handle(
    State(negotiate): State<Arc<Negotiate>>,
    Extension(hub): Extension<HubName>,
    request: Parts,
) -> Result<impl IntoResponse, Problem> {
    let now = SystemTime::now();
    let caller = negotiate.identity.caller(&request, now).await?;
    let options = negotiate.client_token.options(caller);
    let answer = negotiate.negotiator.negotiate(&hub, &options, now)?;
    // The answer holds a token: no cache on the way may keep it.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use axum::{body::Body, extract::Request, http::HeaderMap};
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    const SERVICE: &str = "Endpoint=http://localhost:8888;AccessKey=secret";

    fn app(identity: &str) -> Router {
        let variables = HashMap::from([
            ("AzureSignalRConnectionString", SERVICE),
            ("SIGNALR_HUB", "chat"),
            ("NEGOTIATE_IDENTITY", identity),
            ("ALLOW_INSECURE_IDENTITY", "true"),
        ]);
        let config = Config::from_lookup(|key| variables.get(key).copied()).unwrap();
        router(&config).unwrap()
    }

    async fn negotiate(app: Router, uri: &str) -> (u16, HeaderMap, Value) {
        // As the stock client sends it: with a content type and without a body.
        let request = Request::post(uri).header("content-type", "text/plain;charset=UTF-8");
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap())
    }

    fn claims(answer: &Value) -> Value {
        let token = answer["accessToken"].as_str().unwrap();
        jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap().claims
    }

    #[tokio::test]
    async fn the_answer_is_a_url_and_a_token_for_it() {
        let (status, headers, answer) =
            negotiate(app("anonymous"), "/api/chat/negotiate?negotiateVersion=1").await;
        assert_eq!(status, 200);
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(answer["url"], "http://localhost:8888/client/?hub=chat");
        assert_eq!(answer.as_object().unwrap().len(), 2);
        assert_eq!(claims(&answer)["aud"], answer["url"]);
        assert_eq!(claims(&answer).get("asrs.s.uid"), None);
    }

    #[tokio::test]
    async fn the_identity_becomes_the_user() {
        let (_, _, answer) = negotiate(app("query:user"), "/api/negotiate?user=J%C3%BC").await;
        assert_eq!(claims(&answer)["asrs.s.uid"], "Jü");
        let (status, headers, problem) = negotiate(app("query:user"), "/api/negotiate").await;
        assert_eq!(
            (status, &headers["content-type"]),
            (401, &"application/problem+json".parse().unwrap())
        );
        assert_eq!(problem["detail"], "this call needs a user; give one by query parameter 'user'");
    }

    #[tokio::test]
    async fn a_user_id_too_long_for_a_token_is_400_with_the_size() {
        let user = "%F0%9F%A6%80".repeat(1024);
        let (status, _, problem) =
            negotiate(app("query:user"), &format!("/api/negotiate?user={user}")).await;
        assert_eq!(status, 400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("more than the 4096"), "{detail}");
    }

    #[test]
    fn a_connection_string_without_a_key_is_refused_at_the_start() {
        let config = Config::from_lookup(|key| match key {
            "AzureSignalRConnectionString" => Some("Endpoint=https://x.net;AuthType=azure.msi"),
            "SIGNALR_HUB" => Some("chat"),
            _ => None,
        });
        let error = router(&config.unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("AzureSignalRConnectionString: "), "{error}");
    }
}
