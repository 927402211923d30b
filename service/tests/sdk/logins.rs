//! The claims of a client's login, and its renewal.

use std::time::{Duration, SystemTime};

use signalr_serverless::{Error, rest::LoginRenewal};

use crate::scene::Scene;

fn claims_of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn status(error: &Error) -> Option<u16> {
    match error {
        Error::Refused(refusal) => Some(refusal.status.as_u16()),
        _ => None,
    }
}

pub(crate) async fn claims(mut scene: Scene<'_>) {
    let login = scene.hub.login(&scene.ann.connection_token);
    assert_eq!(login.claims().await.unwrap(), claims_of(&[("asrs.s.uid", "ann")]));
    for unknown in ["unknown", &scene.ann.id] {
        let error = scene.hub.login(unknown).claims().await.unwrap_err();
        assert!(matches!(error, Error::LoginGone), "{error}");
        assert!(!error.to_string().contains(unknown), "{error}");
    }
    assert!(!format!("{login:?}").contains(&scene.ann.connection_token));
    scene.only(&[]).await;
}

pub(crate) async fn renew(mut scene: Scene<'_>) {
    let login = scene.hub.login(&scene.ann.connection_token);
    let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    let roles = LoginRenewal::default().with_claim("role", "a").with_claim("role", "é, b");
    let expected = claims_of(&[("asrs.s.uid", "ann"), ("role", "a"), ("role", "é, b")]);
    assert_eq!(login.renew(&roles.clone().ending(in_an_hour)).await.unwrap(), expected);
    for renewal in [
        LoginRenewal::default(),
        LoginRenewal::default().never_ending(),
        LoginRenewal::default().ending(in_an_hour),
    ] {
        assert_eq!(login.renew(&renewal).await.unwrap(), expected, "{renewal:?}");
    }
    let bob = LoginRenewal::default().with_claim("nameid", "bob");
    assert!(matches!(login.renew(&bob).await, Err(Error::OtherUser)));
    assert_eq!(login.claims().await.unwrap(), expected);
    let nothing = LoginRenewal::default().with_claims([]);
    assert_eq!(login.renew(&nothing).await.unwrap(), claims_of(&[("asrs.s.uid", "ann")]));

    let long_ago = LoginRenewal::default().ending(SystemTime::UNIX_EPOCH);
    assert_eq!(status(&login.renew(&long_ago).await.unwrap_err()), Some(400));
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let before_1970 = LoginRenewal::default().ending(before_1970);
    let error = login.renew(&before_1970).await.unwrap_err();
    assert!(matches!(error, Error::InvalidValue { .. }), "{error}");
    scene.only(&[]).await;
}
