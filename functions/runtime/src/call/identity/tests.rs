#[cfg(feature = "oidc")]
mod providers;

use axum::http::Request;

use super::*;
use crate::config::tests::config;

fn identity(value: &str) -> Result<Identity, String> {
    config(&[("NEGOTIATE_IDENTITY", value), ("ALLOW_INSECURE_IDENTITY", "true")])
        .map(|config| config.identity)
}

fn negotiator() -> Negotiator {
    Negotiator::new(&config(&[]).unwrap().connection_string).unwrap()
}

async fn user(identity: &Identity, query: &str, headers: &[&[u8]]) -> Result<Option<String>, u16> {
    let mut request = Request::post(format!("/negotiate?{query}"));
    for value in headers {
        request = request.header("x-user", *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    match identity.caller(&mut parts, &negotiator(), SystemTime::now()).await {
        Ok(caller) => Ok(caller.user.map(|user| user.as_str().to_owned())),
        Err(problem) => Err(problem.status().as_u16()),
    }
}

#[tokio::test]
async fn a_list_is_tried_in_order() {
    let identity = identity("header:X-User, query:user, anonymous").unwrap();
    assert_eq!(user(&identity, "user=ann", &[b"bob"]).await, Ok(Some("bob".to_owned())));
    assert_eq!(user(&identity, "user=ann", &[]).await, Ok(Some("ann".to_owned())));
    assert_eq!(user(&identity, "", &[]).await, Ok(None));
}

#[tokio::test]
async fn a_required_user_that_is_missing_is_401() {
    assert_eq!(user(&identity("query:user").unwrap(), "name=ann", &[]).await, Err(401));
    assert_eq!(user(&identity("anonymous").unwrap(), "user=ann", &[]).await, Ok(None));
}

#[tokio::test]
async fn what_cannot_be_a_user_id_is_400_even_where_anonymous_would_do() {
    let identity = identity("header:x-user,query:user,anonymous").unwrap();
    let long = format!("user={}", "u".repeat(1025));
    for query in ["user=", "user=a&user=b", "user=%ff", &long] {
        assert_eq!(user(&identity, query, &[]).await, Err(400), "{query}");
    }
    for headers in [&[&b"\xff"[..]][..], &[b"a", b"b"], &[b""]] {
        assert_eq!(user(&identity, "", headers).await, Err(400), "{headers:?}");
    }
    assert_eq!(user(&identity, "", &["Jürgen".as_bytes()]).await, Ok(Some("Jürgen".to_owned())));
}

#[tokio::test]
async fn easyauth_trusts_the_platform_alone_and_passes_listed_claims_on() {
    let azure = [
        ("NEGOTIATE_IDENTITY", "easyauth"),
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "1"),
        ("WEBSITE_AUTH_ENABLED", "True"),
        ("NEGOTIATE_CLAIMS", "name,absent"),
    ];
    let identity = config(&azure).unwrap().identity;
    let request = Request::post("/negotiate?user=mallory").header("x-user", "mallory");
    // {"claims":[{"typ":"name","val":"Ann"},{"typ":"email","val":"a@x"}]}
    let principal = "eyJjbGFpbXMiOlt7InR5cCI6Im5hbWUiLCJ2YWwiOiJBbm4ifSx7InR5cCI6ImVtYWlsIiwidmFsIjoiYUB4In1dfQ==";
    let request = request
        .header("x-ms-client-principal-id", "ann")
        .header("x-ms-client-principal", principal);
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let caller = identity.caller(&mut parts, &negotiator(), SystemTime::now()).await.unwrap();
    assert_eq!(caller.user.unwrap().as_str(), "ann");
    assert_eq!(caller.claims, [("name".to_owned(), Value::from("Ann"))]);
    assert_eq!(user(&identity, "user=mallory", &[b"mallory"]).await, Err(401));
}

#[test]
fn a_source_that_nothing_stands_behind_is_refused_at_the_start() {
    let azure = ("FUNCTIONS_CUSTOMHANDLER_PORT", "1");
    let refused = |set: &[(&str, &str)], part: &str| {
        let error = config(set).unwrap_err();
        assert!(error.starts_with("NEGOTIATE_IDENTITY: ") && error.contains(part), "{error}");
    };
    let easyauth = ("NEGOTIATE_IDENTITY", "easyauth");
    refused(&[easyauth], "on Azure Functions and Container Apps only");
    let front_end = |name| ("EASYAUTH_FRONT_END", name);
    refused(&[easyauth, front_end("static-web-apps")], "on Azure Functions and Container Apps");
    refused(&[easyauth, ("CONTAINER_APP_NAME", "app")], "set EASYAUTH_FRONT_END=container-apps");
    for (set, start) in [
        (
            &[easyauth, azure, front_end("container-apps")][..],
            "is container-apps, and this is none",
        ),
        (&[easyauth, azure, front_end("nginx")], "'nginx' is not known; use container-apps"),
    ] {
        let error = config(set).unwrap_err();
        assert!(error.starts_with(&format!("EASYAUTH_FRONT_END: {start}")), "{error}");
    }
    let container_app = ("CONTAINER_APP_NAME", "app");
    assert!(config(&[easyauth, container_app, front_end("container-apps")]).is_ok());
    assert!(config(&[easyauth, azure, front_end("static-web-apps")]).is_ok());
    refused(&[easyauth, azure], "needs the app's authentication, which is off");
    refused(&[easyauth, azure, ("WEBSITE_AUTH_ENABLED", "False")], "which is off");
    let authorizer = ("NEGOTIATE_IDENTITY", "authorizer");
    refused(&[authorizer], "AWS Lambda");
    refused(&[authorizer, azure], "AWS Lambda");
    #[cfg(not(feature = "oidc"))]
    refused(&[("NEGOTIATE_IDENTITY", "jwt")], "built without its feature `oidc`");
}

#[cfg(feature = "oidc")]
#[test]
fn jwt_needs_an_issuer_and_an_audience() {
    let jwt = ("NEGOTIATE_IDENTITY", "jwt");
    let issuer = ("OIDC_ISSUER", "https://login.example");
    let audience = ("OIDC_AUDIENCE", "chat");
    let many = ("OIDC_ISSUER", "https://login.example/{tenantid}/v2.0");
    let discovery = ("OIDC_DISCOVERY", "https://login.example/discovery");
    for (set, start) in [
        (&[jwt, audience][..], "OIDC_ISSUER: is not set, and 'jwt' needs it"),
        (&[jwt, issuer], "OIDC_AUDIENCE: is not set, and 'jwt' needs it"),
        (&[jwt, audience, ("OIDC_ISSUER", "http://login.example")], "OIDC_ISSUER: 'http://login"),
        (&[jwt, issuer, ("OIDC_AUDIENCE", " , ")], "OIDC_AUDIENCE: is a list without entries"),
        (
            &[jwt, audience, ("OIDC_ISSUER", "https://login.example/{tenantid}/v2.0")],
            "OIDC_ISSUER: 'https://login.example/{tenantid}/v2.0' is the issuer of many tenants",
        ),
        (&[jwt, audience, many, discovery], "OIDC_TENANTS: is not set, so that users of any"),
        (&[jwt, audience, issuer, ("OIDC_TENANTS", "a")], "OIDC_TENANTS: is set, and OIDC_ISSUER"),
        (
            &[jwt, audience, issuer, ("OIDC_DISCOVERY", "http://login.example")],
            "OIDC_DISCOVERY: 'http://login.example' is not https",
        ),
    ] {
        let error = config(set).unwrap_err();
        assert!(error.starts_with(start), "{error}");
    }
    assert!(config(&[jwt, issuer, audience]).is_ok());
}

#[test]
fn bad_settings_are_refused() {
    let cases = [
        ("anonymous,query:user", "put it last"),
        ("query:", "'query:' is not known"),
        ("header:a b", "'a b' cannot be the name of a header"),
        ("cookie:x", "'cookie:x' is not known; use anonymous, jwt"),
        ("Anonymous", "'Anonymous' is not known"),
    ];
    for (value, part) in cases {
        let error = identity(value).unwrap_err();
        assert!(error.starts_with("NEGOTIATE_IDENTITY: ") && error.contains(part), "{error}");
    }
    let error = config(&[("NEGOTIATE_CLAIMS", "email,asrs.s.uid")]).unwrap_err();
    assert!(error.starts_with("NEGOTIATE_CLAIMS: 'asrs.s.uid' belongs"), "{error}");
}

#[test]
fn an_insecure_source_must_be_allowed() {
    let identity = ("NEGOTIATE_IDENTITY", "query:user");
    for allowed in ["", "false"] {
        let error = config(&[identity, ("ALLOW_INSECURE_IDENTITY", allowed)]).unwrap_err();
        assert!(error.contains("set ALLOW_INSECURE_IDENTITY=true"), "{error}");
    }
    let error = config(&[identity, ("ALLOW_INSECURE_IDENTITY", "yes")]).unwrap_err();
    assert!(error.starts_with("ALLOW_INSECURE_IDENTITY: 'yes'"), "{error}");
}

/// A stock client without its own token reconnects like this.
#[tokio::test]
async fn the_services_own_token_is_no_login_and_grants_nothing() {
    let hub = signalr_serverless::HubName::parse("chat").unwrap();
    let options =
        signalr_serverless::NegotiateOptions::default().with_user_id(UserId::parse("ann").unwrap());
    let answer = negotiator().negotiate(&hub, &options, SystemTime::UNIX_EPOCH).await.unwrap();
    let azure: &[(&str, &str)] =
        &[("FUNCTIONS_CUSTOMHANDLER_PORT", "1"), ("WEBSITE_AUTH_ENABLED", "true")];
    for (list, expected) in [
        ("anonymous", Ok(None)),
        ("header:authorization,anonymous", Ok(None)),
        ("header:authorization", Err(401)),
        ("query:u", Ok(Some("bob".to_owned()))),
        ("easyauth,anonymous", Ok(None)),
        ("easyauth", Err(401)),
        #[cfg(feature = "oidc")]
        ("jwt", Err(401)),
        #[cfg(feature = "oidc")]
        ("jwt,anonymous", Ok(None)),
        #[cfg(feature = "oidc")]
        ("jwt,query:u", Ok(Some("bob".to_owned()))),
        #[cfg(feature = "oidc")]
        ("jwt,easyauth,anonymous", Ok(None)),
    ] {
        let set = [
            ("NEGOTIATE_IDENTITY", list),
            ("ALLOW_INSECURE_IDENTITY", "true"),
            ("OIDC_ISSUER", "http://127.0.0.1:1"),
            ("OIDC_AUDIENCE", "chat"),
        ];
        let identity = config(&[&set, azure].concat()).unwrap().identity;
        let bearer = format!("Bearer {}", answer.access_token.as_str());
        let request = Request::post("/negotiate?u=bob").header("authorization", bearer);
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let caller = identity.caller(&mut parts, &negotiator(), SystemTime::now()).await;
        let user = caller.map(|caller| caller.user.map(|user| user.as_str().to_owned()));
        assert_eq!(user.map_err(|problem| problem.status().as_u16()), expected, "{list}");
    }
}
