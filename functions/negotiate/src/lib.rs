//! The negotiate function: gives a client the URL and the token with which it connects.
//!
//! The answer is signed here, without asking the service. There are network calls in two cases. The
//! identity `jwt` fetches the keys of the tokens' issuer when they are not known yet. With a
//! Microsoft Entra identity instead of an access key, the service gives out a key once an hour.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::header,
    response::IntoResponse,
};
#[cfg(feature = "entra")]
use signalr_function_runtime::service_client;
use signalr_function_runtime::{ClientToken, Config, ConfigError, Function, Identity, Problem};
#[cfg(feature = "entra")]
use signalr_serverless::Credential;
use signalr_serverless::{HubName, Negotiator};

/// Makes a router with the function's paths.
///
/// # Errors
///
/// [`ConfigError`] if the connection string names an identity that cannot be used.
pub fn router(config: &Config) -> Result<Router, ConfigError> {
    let function = function(config, negotiator(config)?);
    Ok(signalr_function_runtime::router(config, [function]))
}

/// The function itself, for a router with several functions. Everyone may call it.
pub fn function(config: &Config, negotiator: Negotiator) -> Function {
    let negotiate = Negotiate {
        negotiator,
        identity: config.identity.clone(),
        client_token: config.client_token.clone(),
    };
    Function::open("negotiate", handle, Arc::new(negotiate))
}

/// Only an identity needs a client of the service.
fn negotiator(config: &Config) -> Result<Negotiator, ConfigError> {
    let service = &config.connection_string;
    #[cfg(feature = "entra")]
    if let Credential::Entra(_) = service.credential() {
        return Ok(Negotiator::with_client(service, &service_client(config)?)?);
    }
    Ok(Negotiator::new(service)?)
}

struct Negotiate {
    negotiator: Negotiator,
    identity: Identity,
    client_token: ClientToken,
}

async fn handle(
    State(negotiate): State<Arc<Negotiate>>,
    Extension(hub): Extension<HubName>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    // The extractor of the parts would copy them.
    let (mut request, _) = request.into_parts();
    let now = SystemTime::now();
    let caller = negotiate.identity.caller(&mut request, &negotiate.negotiator, now).await?;
    let options = negotiate.client_token.options(caller, now)?;
    let query = negotiate.identity.client_query(&request)?;
    let answer = negotiate.negotiator.negotiate(&hub, &options, now).await?.with_query(&query);
    // The answer contains a token, so no cache on the way may keep it.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use axum::{body::Body, http::HeaderMap};
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
        // The stock client sends a content type and no body.
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

    #[tokio::test]
    async fn the_clients_query_goes_on_and_the_audience_does_not_have_it() {
        let path = "/api/negotiate?user=ann&negotiateVersion=1&room=a%20b&code=secret&tab=2";
        let (_, _, answer) = negotiate(app("query:user"), path).await;
        let url = "http://localhost:8888/client/?hub=chat";
        assert_eq!(answer["url"], format!("{url}&room=a%20b&tab=2"));
        assert_eq!(claims(&answer)["aud"], url);
        let long = format!("/api/negotiate?x={}", "y".repeat(2047));
        let (status, _, problem) = negotiate(app("anonymous"), &long).await;
        assert_eq!(status, 400, "{problem}");
    }

    fn router_of(service: &'static str) -> Result<Router, ConfigError> {
        let config = Config::from_lookup(|key| match key {
            "AzureSignalRConnectionString" => Some(service),
            "SIGNALR_HUB" => Some("chat"),
            _ => None,
        });
        router(&config.unwrap())
    }

    #[cfg(feature = "entra")]
    #[test]
    fn an_identity_will_do_and_is_asked_for_nothing_at_the_start() {
        assert!(router_of("Endpoint=https://x.net;AuthType=azure.msi").is_ok());
        let error = router_of(
            "Endpoint=https://x.net;AuthType=azure.app;ClientId=a;TenantId=/;ClientSecret=s",
        );
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("AzureSignalRConnectionString: no Microsoft Entra"), "{error}");
    }

    #[cfg(not(feature = "entra"))]
    #[test]
    fn an_identity_is_refused_at_the_start() {
        let error = router_of("Endpoint=https://x.net;AuthType=azure.msi").unwrap_err().to_string();
        assert!(error.starts_with("AzureSignalRConnectionString: "), "{error}");
        assert!(error.contains("build with the feature 'entra'"), "{error}");
    }
}
