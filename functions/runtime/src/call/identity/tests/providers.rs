//! Tokens in the form of the large login services, with the settings of `docs/login-providers.md`.
//!
//! This machine serves their documents, with keys that are made here.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{Json, Router, extract::Request, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};

use super::{config, negotiator};

const GUIDE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/login-providers.md"));

/// A provider: its published documents and the claims of its tokens.
struct Provider {
    /// The heading of its settings.
    heading: &'static str,
    /// The URL of its discovery document.
    discovery: &'static str,
    /// The issuer in it.
    published: &'static str,
    user: &'static str,
    tokens: Vec<Value>,
    /// Claims of tokens for another app, tenant, project or kind. Each has the claim that shows the
    /// difference.
    others: Vec<(&'static str, Value)>,
}

/// Keys that are made here, and the server that publishes them.
struct Issuer {
    key: EncodingKey,
    discovery: String,
}

impl Issuer {
    async fn start(published: &str) -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let key = EncodingKey::from_ec_der(pkcs8.unwrap().as_ref());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
        jwk["kid"] = "k".into();
        let discovery = json!({ "issuer": published, "jwks_uri": format!("{url}/keys") });
        let router = Router::new()
            .route("/discovery", get(async move || Json(discovery)))
            .route("/keys", get(async move || Json(json!({ "keys": [jwk] }))));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { key, discovery: format!("{url}/discovery") }
    }

    /// The claims, with times around now unless they have their own.
    fn sign(&self, claims: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut all = json!({ "iat": now, "nbf": now, "exp": now + 300 });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &all, &self.key).unwrap()
    }
}

/// The settings below a heading of the guide.
fn settings(heading: &str) -> Vec<(&'static str, &'static str)> {
    let (_, section) = GUIDE.split_once(&format!("\n## {heading}\n")).expect(heading);
    let (_, block) = section.split_once("```properties\n").unwrap();
    let (block, _) = block.split_once("```\n").unwrap();
    block.lines().map(|line| line.split_once('=').unwrap()).collect()
}

fn with(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

async fn check(provider: Provider) {
    let issuer = Issuer::start(provider.published).await;
    let mut set = settings(provider.heading);
    let is = |name: &str| set.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    let first = is("OIDC_ISSUER").unwrap().split(',').next().unwrap();
    let below = format!("{}/.well-known/openid-configuration", first.trim_end_matches('/'));
    assert_eq!(is("OIDC_DISCOVERY").unwrap_or(&below), provider.discovery);
    set.retain(|(name, _)| *name != "OIDC_DISCOVERY");
    set.extend([("NEGOTIATE_IDENTITY", "jwt"), ("OIDC_DISCOVERY", &*issuer.discovery)]);
    let identity = config(&set).unwrap().identity;

    let user = async |claims: &Value| {
        let bearer = format!("Bearer {}", issuer.sign(claims));
        let request = Request::post("/negotiate").header("authorization", bearer);
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let caller = identity.caller(&mut parts, &negotiator(), SystemTime::now()).await;
        caller
            .map(|caller| caller.user.unwrap().as_str().to_owned())
            .map_err(|problem| (problem.status().as_u16(), problem.detail().to_owned()))
    };
    for token in &provider.tokens {
        assert_eq!(user(token).await, Ok(provider.user.to_owned()), "{token}");
    }
    for (claim, other) in &provider.others {
        let (status, problem) = user(other).await.unwrap_err();
        assert!(status == 401 && problem.contains(claim), "{other}: {problem}");
    }
}

/// A token of this provider for another app, and one of another provider for this app.
fn strangers(token: &Value, audience: &'static str) -> Vec<(&'static str, Value)> {
    let what = if audience == "aud" { "audience" } else { audience };
    vec![
        (what, with(token, &json!({ audience: "OTHER_CLIENT_ID" }))),
        (what, with(token, &json!({ audience: null }))),
        ("issuer", with(token, &json!({ "iss": "https://login.other.example/" }))),
    ]
}

fn provider(
    heading: &'static str,
    [published, discovery]: [&'static str; 2],
    audience: &'static str,
    user: &'static str,
    token: Value,
) -> Provider {
    let others = strangers(&token, audience);
    Provider { heading, discovery, published, user, tokens: vec![token], others }
}

#[tokio::test]
async fn entra_with_one_tenant() {
    const ISSUER: &str = "https://login.microsoftonline.com/TENANT_ID/v2.0";
    let discovery =
        "https://login.microsoftonline.com/TENANT_ID/v2.0/.well-known/openid-configuration";
    let access = json!({
        "aud": "CLIENT_ID", "iss": ISSUER, "aio": "x", "azp": "SPA_ID", "azpacr": "0",
        "oid": "ann-id", "rh": "x", "scp": "chat", "sub": "pairwise", "tid": "TENANT_ID",
        "uti": "x", "ver": "2.0", "preferred_username": "ann@contoso.test",
    });
    let mut v2 =
        provider("Microsoft Entra ID, v2", [ISSUER, discovery], "aud", "ann-id", access.clone());
    v2.tokens.push(with(&access, &json!({ "azp": null, "scp": null, "nonce": "n" })));
    let graph = json!({ "aud": "00000003-0000-0000-c000-000000000000" });
    v2.others.push(("audience", with(&access, &graph)));
    v2.others
        .push(("issuer", with(&access, &json!({ "iss": "https://sts.windows.net/TENANT_ID/" }))));
    check(v2).await;

    let issuer = "https://sts.windows.net/TENANT_ID/";
    let discovery = "https://login.microsoftonline.com/TENANT_ID/.well-known/openid-configuration";
    let access = json!({
        "aud": "api://CLIENT_ID", "iss": issuer, "acr": "1", "amr": ["pwd"], "appid": "SPA_ID",
        "appidacr": "0", "oid": "ann-id", "scp": "chat", "sub": "pairwise", "tid": "TENANT_ID",
        "unique_name": "ann@contoso.test", "upn": "ann@contoso.test", "ver": "1.0",
    });
    let mut v1 =
        provider("Microsoft Entra ID, v1", [issuer, discovery], "aud", "ann-id", access.clone());
    let other = json!({ "iss": "https://sts.windows.net/OTHER_ID/", "tid": "OTHER_ID" });
    v1.others.push(("issuer", with(&access, &other)));
    check(v1).await;
}

#[tokio::test]
async fn entra_with_many_tenants() {
    let v2 = |tenant: &str| {
        json!({
            "aud": "CLIENT_ID", "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0"),
            "oid": "ann-id", "sub": "pairwise", "tid": tenant, "ver": "2.0",
        })
    };
    let v1 = json!({
        "aud": "api://CLIENT_ID", "iss": "https://sts.windows.net/TENANT_ID/", "oid": "ann-id",
        "tid": "TENANT_ID", "ver": "1.0",
    });
    let mut many = provider(
        "Microsoft Entra ID, many tenants",
        [
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration",
        ],
        "aud",
        "ann-id",
        v2("TENANT_ID"),
    );
    many.tokens.extend([v2("OTHER_TENANT_ID"), v1.clone()]);
    many.others.extend([
        ("issuer", v2("STRANGE_ID")),
        ("with the tenant TENANT_ID or OTHER_TENANT_ID", v2("STRANGE_ID")),
        ("issuer", v2("{tenantid}")),
        ("issuer", with(&v2("TENANT_ID"), &json!({ "tid": "OTHER_TENANT_ID" }))),
        ("issuer", with(&v2("TENANT_ID"), &json!({ "tid": null }))),
        ("issuer", with(&v2("STRANGE_ID"), &json!({ "tid": "TENANT_ID" }))),
        ("issuer", with(&v1, &json!({ "tid": ["TENANT_ID"] }))),
    ]);
    check(many).await;
}

#[tokio::test]
async fn entra_for_customers() {
    let issuer = "https://NAME.b2clogin.com/TENANT_ID/v2.0/";
    let token = json!({
        "aud": "CLIENT_ID", "iss": issuer, "sub": "ann-id", "oid": "ann-id", "tfp": "POLICY",
        "nonce": "n", "auth_time": 1_700_000_000, "ver": "1.0", "emails": ["ann@x.test"],
    });
    let mut b2c = provider(
        "Azure AD B2C",
        [
            issuer,
            "https://NAME.b2clogin.com/NAME.onmicrosoft.com/POLICY/v2.0/.well-known/openid-configuration",
        ],
        "aud",
        "ann-id",
        token.clone(),
    );
    b2c.tokens.push(with(&token, &json!({ "tfp": null, "acr": "POLICY", "azp": "SPA_ID" })));
    b2c.others.push((
        "issuer",
        with(&token, &json!({ "iss": "https://NAME.b2clogin.com/TENANT_ID/v2.0" })),
    ));
    check(b2c).await;

    let issuer = "https://TENANT_ID.ciamlogin.com/TENANT_ID/v2.0";
    let token = json!({
        "aud": "CLIENT_ID", "iss": issuer, "sub": "pairwise", "oid": "ann-id", "tid": "TENANT_ID",
        "ver": "2.0",
    });
    let discovery = "https://NAME.ciamlogin.com/TENANT_ID/v2.0/.well-known/openid-configuration";
    check(provider("Microsoft Entra External ID", [issuer, discovery], "aud", "ann-id", token))
        .await;
}

#[tokio::test]
async fn auth0() {
    const AT: [&str; 2] =
        ["https://NAME.auth0.com/", "https://NAME.auth0.com/.well-known/openid-configuration"];
    let access = json!({
        "iss": AT[0], "sub": "auth0|ann",
        "aud": ["https://API_IDENTIFIER", "https://NAME.auth0.com/userinfo"],
        "azp": "CLIENT_ID", "scope": "openid chat",
    });
    let id = json!({
        "iss": AT[0], "sub": "auth0|ann", "aud": "CLIENT_ID", "nonce": "n", "sid": "s",
        "nickname": "ann", "email_verified": true,
    });
    let mut provider_of_access =
        provider("Auth0, access token", AT, "aud", "auth0|ann", access.clone());
    provider_of_access.tokens.push(with(&access, &json!({ "aud": "https://API_IDENTIFIER" })));
    let userinfo = json!({ "aud": ["https://NAME.auth0.com/userinfo"] });
    provider_of_access.others.push(("audience", with(&access, &userinfo)));
    provider_of_access.others.push(("audience", id.clone()));
    check(provider_of_access).await;
    let mut provider_of_id = provider("Auth0, id token", AT, "aud", "auth0|ann", id);
    provider_of_id.others.push(("audience", access));
    check(provider_of_id).await;
}

#[tokio::test]
async fn cognito() {
    const AT: [&str; 2] = [
        "https://cognito-idp.REGION.amazonaws.com/POOL",
        "https://cognito-idp.REGION.amazonaws.com/POOL/.well-known/openid-configuration",
    ];
    let access = json!({
        "sub": "ann-id", "iss": AT[0], "client_id": "CLIENT_ID", "origin_jti": "x",
        "event_id": "x", "token_use": "access", "scope": "aws.cognito.signin.user.admin",
        "username": "ann", "cognito:groups": ["editors"],
    });
    let id = json!({
        "sub": "ann-id", "iss": AT[0], "aud": "CLIENT_ID", "token_use": "id",
        "cognito:username": "ann", "email": "ann@x.test",
    });
    let mut of_access =
        provider("Amazon Cognito, access token", AT, "client_id", "ann-id", access.clone());
    of_access.others.push(("client_id", id.clone()));
    check(of_access).await;
    let mut of_id = provider("Amazon Cognito, id token", AT, "aud", "ann-id", id);
    of_id.others.push(("audience", access));
    check(of_id).await;
}

#[tokio::test]
async fn google_and_firebase() {
    let token = json!({
        "iss": "https://accounts.google.com", "azp": "CLIENT_ID.apps.googleusercontent.com",
        "aud": "CLIENT_ID.apps.googleusercontent.com", "sub": "113774239", "hd": "x.test",
        "email": "ann@x.test", "email_verified": true,
    });
    let mut google = provider(
        "Google",
        [
            "https://accounts.google.com",
            "https://accounts.google.com/.well-known/openid-configuration",
        ],
        "aud",
        "113774239",
        token.clone(),
    );
    google.tokens.push(with(&token, &json!({ "iss": "accounts.google.com" })));
    google.others.push(("issuer", with(&token, &json!({ "iss": "http://accounts.google.com" }))));
    check(google).await;

    const AT: [&str; 2] = [
        "https://securetoken.google.com/PROJECT",
        "https://securetoken.google.com/PROJECT/.well-known/openid-configuration",
    ];
    let token = json!({
        "iss": AT[0], "aud": "PROJECT", "auth_time": 1_700_000_000, "user_id": "ann-id",
        "sub": "ann-id", "firebase": { "identities": {}, "sign_in_provider": "google.com" },
    });
    let mut firebase = provider("Firebase", AT, "aud", "ann-id", token.clone());
    let other = json!({ "iss": "https://securetoken.google.com/OTHER", "aud": "OTHER" });
    firebase.others.push(("issuer", with(&token, &other)));
    check(firebase).await;
}

#[tokio::test]
async fn keycloak_and_okta() {
    const REALM: [&str; 2] =
        ["https://HOST/realms/REALM", "https://HOST/realms/REALM/.well-known/openid-configuration"];
    let access = json!({
        "jti": "x", "iss": REALM[0], "aud": "account", "sub": "ann-id", "typ": "Bearer",
        "azp": "CLIENT_ID", "sid": "x", "acr": "1", "realm_access": { "roles": ["editor"] },
        "scope": "openid", "preferred_username": "ann",
    });
    let mut of_access = provider("Keycloak, access token", REALM, "azp", "ann-id", access.clone());
    of_access.tokens.push(with(&access, &json!({ "aud": null })));
    of_access
        .others
        .push(("issuer", with(&access, &json!({ "iss": "https://HOST/realms/other" }))));
    check(of_access).await;
    let id = with(&access, &json!({ "aud": "CLIENT_ID", "typ": "ID", "at_hash": "x" }));
    let mut of_id = provider("Keycloak, id token", REALM, "aud", "ann-id", id);
    of_id.others.push(("audience", access));
    check(of_id).await;

    const OKTA: [&str; 2] = [
        "https://NAME.okta.com/oauth2/default",
        "https://NAME.okta.com/oauth2/default/.well-known/openid-configuration",
    ];
    let access = json!({
        "ver": 1, "jti": "AT.x", "iss": OKTA[0], "aud": "api://default", "cid": "CLIENT_ID",
        "uid": "00uann", "scp": ["openid"], "sub": "ann@x.test",
    });
    let id = json!({
        "sub": "00uann", "ver": 1, "iss": OKTA[0], "aud": "CLIENT_ID", "jti": "ID.x",
        "amr": ["pwd"], "idp": "x", "nonce": "n", "auth_time": 1_700_000_000,
    });
    let mut of_access = provider("Okta, access token", OKTA, "aud", "00uann", access.clone());
    of_access.others.push(("audience", id.clone()));
    let org = json!({ "iss": "https://NAME.okta.com" });
    of_access.others.push(("issuer", with(&access, &org)));
    check(of_access).await;
    check(provider("Okta, id token", OKTA, "aud", "00uann", id)).await;
}

#[tokio::test]
async fn supabase_and_clerk() {
    const SUPABASE: [&str; 2] = [
        "https://PROJECT.supabase.co/auth/v1",
        "https://PROJECT.supabase.co/auth/v1/.well-known/openid-configuration",
    ];
    let token = json!({
        "iss": SUPABASE[0], "aud": "authenticated", "sub": "ann-id", "role": "authenticated",
        "aal": "aal1", "session_id": "x", "is_anonymous": false, "app_metadata": {},
    });
    let mut supabase = provider("Supabase", SUPABASE, "aud", "ann-id", token.clone());
    let anon = json!({ "aud": null, "sub": null, "role": "anon" });
    supabase.others.push(("audience", with(&token, &anon)));
    check(supabase).await;

    const CLERK: [&str; 2] = [
        "https://NAME.clerk.accounts.dev",
        "https://NAME.clerk.accounts.dev/.well-known/openid-configuration",
    ];
    let token = json!({
        "iss": CLERK[0], "azp": "https://ORIGIN", "sub": "user_ann", "sid": "sess_x", "v": 2,
        "fva": [0, -1], "sts": "active",
    });
    check(provider("Clerk", CLERK, "azp", "user_ann", token)).await;
}
