//! Azure's credential for managed identities, asking a platform on this machine. The credential
//! finds the platform in the environment, so each case runs in its own process.

use std::{env, process::Stdio};

use signalr_serverless::{
    ConnectionString,
    rest::{ApiVersion, RestClient},
};
use tokio::process::Command;

use crate::server::{Server, json, status, success};

const SERVICE: &str = "TEST_CONNECTION_STRING";

/// A call of the service in a process where a platform offers an identity.
async fn call(server: &Server, auth: &str) -> std::process::Output {
    let host = &server.host_and_port;
    Command::new(env::current_exe().unwrap())
        .args(["managed_identity::call_the_service", "--exact", "--ignored", "--nocapture"])
        .env(SERVICE, format!("Endpoint=http://{host};{auth}"))
        .env("IDENTITY_ENDPOINT", format!("http://{host}/msi/token"))
        .env("IDENTITY_HEADER", "proof")
        .env_remove("AZURE_CLIENT_SECRET")
        .env_remove("AZURE_CLIENT_CERTIFICATE_PATH")
        .env_remove("AZURE_FEDERATED_TOKEN_FILE")
        // No developer's tools can be found.
        .env("PATH", "")
        .env("AZURE_CLIENT_ID", "chosen by the surroundings")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

#[tokio::test]
#[ignore = "runs in the processes that the other tests start"]
async fn call_the_service() {
    let service = ConnectionString::parse(&env::var(SERVICE).unwrap()).unwrap();
    let client = RestClient::new(&service).unwrap().with_version(ApiVersion::V1);
    for _ in 0..2 {
        client.access_key().await.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[tokio::test]
async fn the_platforms_token_is_asked_for_once_and_carried() {
    for (auth, identity) in [
        ("AuthType=azure.msi;ClientId=abc", Some("client_id=abc")),
        ("AuthType=azure.msi", None),
        ("AuthType=azure", Some("client_id=chosen")),
    ] {
        let mut server = Server::start(|request| match request.target.starts_with("/msi/token?") {
            true => json(r#"{"access_token":"from.msi","expires_on":"4102444800","token_type":"Bearer","resource":"r"}"#),
            false => success(request),
        })
        .await;
        let output = call(&server, auth).await;
        assert!(output.status.success(), "{auth}: {}", String::from_utf8_lossy(&output.stderr));
        let asked = server.request();
        assert!(asked.target.contains("resource=https%3A%2F%2Fsignalr.azure.com"), "{asked:?}");
        assert_eq!(asked.header("x-identity-header"), Some("proof"));
        match identity {
            Some(identity) => assert!(asked.target.contains(identity), "{asked:?}"),
            None => assert!(!asked.target.contains("client_id"), "{asked:?}"),
        }
        for _ in 0..2 {
            let call = server.request();
            assert_eq!(call.target, "/api/v1/auth/accessKey");
            assert_eq!(call.header("authorization"), Some("Bearer from.msi"));
        }
    }
}

#[tokio::test]
async fn a_platform_that_refuses_is_told() {
    let server = Server::start(|_| status(403)).await;
    let output = call(&server, "AuthType=azure.msi").await;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(text.contains("no Microsoft Entra token for the service: "), "{text}");
    assert!(!text.contains("proof"), "{text}");
}

#[tokio::test]
async fn of_several_identities_each_says_why_it_will_not_do() {
    let server = Server::start(|_| status(400)).await;
    let output = call(&server, "AuthType=azure").await;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for part in ["managed identity: ", "has not been assigned", "developer's tools: "] {
        assert!(text.contains(part), "{text}");
    }
}
