//! Names on the wire: they arrive as they are, or nothing is sent.

use proptest::prelude::*;
use signalr_serverless::{
    ConnectionId, Error, GroupName, UserId,
    rest::{Hub, Message},
};

use crate::server::{Server, status};

async fn send_to(hub: &Hub, group: &str) -> Result<(), Error> {
    let group = GroupName::parse(group).unwrap();
    hub.group(group).send(&Message::new("m", &()).unwrap()).await
}

/// The group's name, read as the service reads it: split first, then decode once.
fn group_in(target: &str) -> String {
    let path = target.split('?').next().unwrap();
    let segments: Vec<_> = path.split('/').collect();
    assert_eq!(segments.len(), 7, "{target}");
    assert_eq!(
        (&segments[..5], segments[6]),
        (["", "api", "hubs", "chat", "groups"].as_slice(), ":send")
    );
    percent_encoding::percent_decode_str(segments[5]).decode_utf8().unwrap().into_owned()
}

#[tokio::test]
async fn odd_names_arrive() {
    let mut server = Server::start(|_| status(202)).await;
    let hub = server.hub();
    let long = "界".repeat(1024);
    let odd = [
        "...",
        ".a",
        "a.",
        "../x",
        "a/../b",
        "./",
        "%2E%2E",
        "%2e",
        "%",
        "%zz",
        "/",
        "//",
        "\\",
        "..\\",
        " ..",
        "..;",
        "?x=1",
        "#x",
        ":send",
        "a\tb\nc\0",
        "\u{202e}é界😀",
        "+",
        "a b",
        &long,
    ];
    for name in odd {
        send_to(&hub, name).await.unwrap();
        assert_eq!(group_in(&server.request().target), name);
    }
}

#[tokio::test]
async fn dots_alone_are_refused_before_anything_is_sent() {
    let server = Server::start(|_| status(202)).await;
    let hub = server.hub();
    let message = Message::new("m", &()).unwrap();
    for dots in [".", ".."] {
        let user = hub.user(UserId::parse(dots).unwrap());
        let connection = hub.connection(ConnectionId::parse(dots).unwrap());
        for (result, what) in [
            (send_to(&hub, dots).await, "group name"),
            (user.send(&message).await, "user id"),
            (connection.close(None).await, "connection id"),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.starts_with(&format!("{what} is '.' or '..'")), "{error}");
        }
    }
    assert_eq!(server.connections(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn any_name_arrives(names in prop::collection::vec("[\\PC./%\\\\?#]{1,40}", 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut server = Server::start(|_| status(202)).await;
            let hub = server.hub();
            let sendable = |name: &&String| {
                GroupName::parse(name).is_ok() && !matches!(name.as_str(), "." | "..")
            };
            for name in names.iter().filter(sendable) {
                send_to(&hub, name).await.unwrap();
                assert_eq!(&group_in(&server.request().target), name);
            }
        });
    }
}
