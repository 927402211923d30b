use super::*;

const ENDPOINT: &str = "Endpoint=https://x.service.signalr.net";

fn parse(text: &str) -> ConnectionString {
    ConnectionString::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> ConnectionStringError {
    ConnectionString::parse(text).expect_err(text)
}

fn entra(text: &str) -> EntraIdentity {
    match parse(&format!("{ENDPOINT};{text}")).credential {
        Credential::Entra(identity) => identity,
        Credential::AccessKey(_) => panic!("{text} is a key"),
    }
}

#[test]
fn azure_own_form() {
    let parsed = parse("Endpoint=https://x.service.signalr.net;AccessKey=abc+/=;Version=1.0;");
    assert_eq!(parsed.endpoint(), "https://x.service.signalr.net");
    assert_eq!(parsed.client_endpoint(), parsed.endpoint());
    assert_eq!(parsed.server_endpoint(), parsed.endpoint());
    assert_eq!(parsed.version(), Some("1.0"));
    let key = AccessKey::parse("abc+/=").unwrap();
    assert_eq!(parsed.credential(), &Credential::AccessKey(key));
}

#[test]
fn keys_have_no_case_and_white_space_and_strangers_are_dropped() {
    let parsed = parse(" ENDPOINT = https://X.net/ ;; accesskey= k== ;Colour=red;nonsense");
    assert_eq!(parsed.endpoint(), "https://x.net");
    assert_eq!(parsed, parse("Endpoint=https://x.net;AccessKey=k=="));
    assert_eq!(parsed.version(), None);
}

#[test]
fn endpoint_keeps_scheme_host_and_port() {
    for (given, expected) in [
        ("http://localhost", "http://localhost"),
        ("http://localhost/", "http://localhost"),
        ("http://localhost//", "http://localhost"),
        ("http://localhost:80", "http://localhost"),
        ("https://h:443/path?q=1#f", "https://h"),
        ("http://h:8888", "http://h:8888"),
        ("http://h:8888;Port=9", "http://h:9"),
        ("http://h:8888;Port=80", "http://h"),
        ("http://[::1];Port=8888", "http://[::1]:8888"),
        ("HTTPS://Host", "https://host"),
    ] {
        let text = format!("Endpoint={given};AccessKey=k");
        assert_eq!(parse(&text).endpoint(), expected, "{given}");
    }
}

#[test]
fn v1_preview_has_its_own_port_unless_one_is_named() {
    for (given, expected) in [
        ("http://localhost", "http://localhost:5002"),
        ("https://x.net/", "https://x.net:5002"),
        ("https://[::1]", "https://[::1]:5002"),
        ("https://x.net/a:b?c:d", "https://x.net:5002"),
        ("https://x.net;ClientEndpoint=https://c.net", "https://x.net:5002"),
        ("https://x.net:443", "https://x.net"),
        ("http://h:8888", "http://h:8888"),
        ("https://[::1]:81", "https://[::1]:81"),
        ("http://h;Port=80", "http://h"),
        ("https://x.net;ServerEndpoint=https://s.net/base", "https://s.net/base"),
        ("https://x.net;ServerEndpoint=https://x.net", "https://x.net"),
    ] {
        let text = format!("Endpoint={given};AccessKey=k");
        assert_eq!(parse(&text).preview_endpoint(), expected, "{given}");
    }
}

#[test]
fn client_and_server_endpoints_keep_their_path_and_lose_the_last_slash() {
    let parsed = parse(
        "Endpoint=https://x.net;Port=1;AccessKey=k;ClientEndpoint=https://gw/path/;ServerEndpoint=http://in:81/",
    );
    assert_eq!(parsed.client_endpoint(), "https://gw/path");
    assert_eq!(parsed.server_endpoint(), "http://in:81");
    assert_eq!(
        parsed.to_string(),
        "https://x.net:1;ClientEndpoint=https://gw/path;ServerEndpoint=http://in:81"
    );
}

#[test]
fn auth_types() {
    let managed = |id: Option<&str>| managed_identity(id);
    assert_eq!(entra("AuthType=Azure"), EntraIdentity::Default);
    assert_eq!(entra("AuthType=azure.msi"), managed(None));
    assert_eq!(entra("AuthType=azure.msi;ClientId=c"), managed(Some("c")));
    assert_eq!(entra("AuthType=aad"), managed(None));
    assert_eq!(entra("AuthType=aad;TenantId=t"), managed(None));
    assert_eq!(entra("AuthType=aad;ClientId=c"), managed(Some("c")));

    let app = |proof| EntraIdentity::Application {
        client_id: "c".to_owned(),
        tenant_id: "t".to_owned(),
        proof,
    };
    let secret = || ApplicationProof::Secret(ClientSecret::new("s"));
    let certificate = || ApplicationProof::CertificatePath("/c.pem".to_owned());
    assert_eq!(entra("AuthType=aad;ClientId=c;TenantId=t;ClientSecret=s"), app(secret()));
    for (proof, expected) in [
        ("ClientSecret=s", secret()),
        ("ClientCertPath=/c.pem", certificate()),
        ("clientCert=/c.pem", certificate()),
    ] {
        let text = format!("AuthType=azure.app;ClientId=c;TenantId=t;{proof}");
        assert_eq!(entra(&text), app(expected), "{proof}");
    }
}

#[test]
fn an_unknown_auth_type_means_the_key() {
    let parsed = parse("Endpoint=https://x.net;AuthType=kerberos;AccessKey=k");
    assert!(matches!(parsed.credential(), Credential::AccessKey(_)));
}

#[test]
fn versions() {
    for good in ["1.0", "1.1-preview", "1.12.3", "1.0_b"] {
        assert_eq!(parse(&format!("{ENDPOINT};AccessKey=k;Version={good}")).version(), Some(good));
    }
    for bad in ["2.0", "1.", "1.x", "1", "", "1.0 b", "11.0", "v1.0"] {
        assert_eq!(
            error(&format!("{ENDPOINT};AccessKey=k;Version={bad}")),
            ConnectionStringError::UnsupportedVersion(bad.to_owned())
        );
    }
}

#[test]
fn ports() {
    for bad in ["0", "65536", "-1", "x", "", "80 80"] {
        assert_eq!(
            error(&format!("{ENDPOINT};AccessKey=k;Port={bad}")),
            ConnectionStringError::InvalidPort(bad.to_owned())
        );
    }
    let parsed = parse(&format!("{ENDPOINT};AccessKey=k;Port=65535"));
    assert_eq!(parsed.endpoint(), "https://x.service.signalr.net:65535");
}

#[test]
fn bad_urls() {
    use ConnectionStringError::{InvalidClientEndpoint, InvalidEndpoint, InvalidServerEndpoint};
    for bad in ["", "x.net", "ftp://x.net", "http:x.net", "http://", "/x", "http:///x", "h t"] {
        assert_eq!(error(&format!("Endpoint={bad};AccessKey=k")), InvalidEndpoint(bad.to_owned()));
    }
    for bad in ["", "gw/path", "https://gw?q", "https://gw/#f", "ws://gw"] {
        assert_eq!(
            error(&format!("{ENDPOINT};AccessKey=k;ClientEndpoint={bad}")),
            InvalidClientEndpoint(bad.to_owned())
        );
        assert_eq!(
            error(&format!("{ENDPOINT};AccessKey=k;ServerEndpoint={bad}")),
            InvalidServerEndpoint(bad.to_owned())
        );
    }
}

#[test]
fn each_other_error_has_its_variant() {
    use ConnectionStringError as E;
    let app = format!("{ENDPOINT};AuthType=azure.app");
    for (text, expected) in [
        (String::new(), E::Blank),
        (" \n".to_owned(), E::Blank),
        (
            "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)".to_owned(),
            E::UnresolvedReference,
        ),
        ("@microsoft.keyvault(VaultName=v;SecretName=s)".to_owned(), E::UnresolvedReference),
        (ENDPOINT.to_owned(), E::TooFewParts),
        (format!("{ENDPOINT};"), E::TooFewParts),
        ("AccessKey=k;Version=1.0".to_owned(), E::MissingEndpoint),
        ("nonsense;more".to_owned(), E::MissingEndpoint),
        (format!("{ENDPOINT};Version=1.0"), E::MissingAccessKey),
        (format!("{ENDPOINT};AccessKey="), E::MissingAccessKey),
        (format!("{ENDPOINT};AccessKey=a;accessKEY=b"), E::DuplicateKey("accessKEY".to_owned())),
        (app.clone(), E::MissingClientId),
        (format!("{app};ClientId="), E::MissingClientId),
        (format!("{app};ClientId=c"), E::MissingTenantId),
        (format!("{app};ClientId=c;TenantId=t"), E::MissingClientSecret),
        (format!("{ENDPOINT};AuthType=aad;ClientId=c;TenantId=t"), E::MissingClientSecret),
    ] {
        assert_eq!(error(&text), expected, "{text}");
    }
}

#[test]
fn the_first_thing_wrong_in_the_order_of_checks_is_named() {
    use ConnectionStringError as E;
    let fixes = ["x;x=1;X=2", "", "Endpoint=no", "Endpoint=http://h"];
    let rest = "Version=9;Port=x;ClientEndpoint=x;ServerEndpoint=x";
    let first = |head: &str| error(&format!("{head};{rest};a=1"));
    assert_eq!(first(fixes[0]), E::DuplicateKey("X".to_owned()));
    assert_eq!(first(fixes[1]), E::MissingEndpoint);
    assert_eq!(first(fixes[2]), E::InvalidEndpoint("no".to_owned()));

    let mut broken = format!("{};{rest}", fixes[3]);
    for (bad, good, expected) in [
        ("Version=9", "Version=1.0", E::UnsupportedVersion("9".to_owned())),
        ("Port=x", "Port=1", E::InvalidPort("x".to_owned())),
        ("ClientEndpoint=x", "ClientEndpoint=http://c", E::InvalidClientEndpoint("x".to_owned())),
        ("ServerEndpoint=x", "ServerEndpoint=http://s", E::InvalidServerEndpoint("x".to_owned())),
    ] {
        assert_eq!(error(&broken), expected);
        broken = broken.replace(bad, good);
    }
    assert_eq!(error(&broken), E::MissingAccessKey);
}

#[test]
fn no_key_or_secret_is_ever_shown() {
    const SECRET: &str = "hunter2";
    for text in [
        "Endpoint=https://x.net;AccessKey=hunter2;Version=1.0".to_owned(),
        "Endpoint=https://x.net,AccessKey=hunter2;Version=1.0".to_owned(),
        "Endpoint=https://x.net\nAccessKey:hunter2;Version=1.0".to_owned(),
        "Endpoint=https://u:hunter2@x.net;AccessKey=k".to_owned(),
        "Endpoint=https://x.net;AccessKey=k;Port=1,AccessKey=hunter2".to_owned(),
        "Endpoint=https://x.net;AccessKey=k;ClientEndpoint=https://hunter2@gw".to_owned(),
        "Endpoint=https://x.net;AuthType=azure.app;ClientId=c;TenantId=t;ClientSecret=hunter2"
            .to_owned(),
    ] {
        let parsed = ConnectionString::parse(&text);
        let shown = match &parsed {
            Ok(parsed) => format!("{parsed} {parsed:?} {parsed:#?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains(SECRET), "{text}: {shown}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_every_endpoint_can_take_a_path(
        text in "(Endpoint=https?://)?\\PC{0,40};\\PC{0,20};AccessKey=k"
    ) {
        if let Ok(parsed) = ConnectionString::parse(&text) {
            let base = parsed.client_endpoint();
            let url = url::Url::parse(&format!("{base}/client/?hub=h"));
            proptest::prop_assert!(!base.ends_with('/') && url.is_ok());
        }
    }
}
