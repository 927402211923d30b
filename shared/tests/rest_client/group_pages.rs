//! A group's connections, page by page.

use signalr_serverless::{
    Error, Fault, GroupName,
    rest::{Group, PageSize},
};

use crate::server::{Reply, Server};

fn group(server: &Server) -> Group {
    server.hub().group(GroupName::parse("g").unwrap())
}

fn json(body: &str) -> Reply {
    Reply::Http(200, "content-type: application/json\r\n", body.to_owned())
}

#[tokio::test]
async fn pages_follow_one_another() {
    let mut server = Server::start(|request| {
        if request.target.ends_with("&continuationToken=a%2Bb") {
            json(r#"{"value":[{"connectionId":"c2"}]}"#)
        } else {
            json(
                r#"{"value":[{"connectionId":"c1","userId":"ann"}],
                    "nextLink":"http://elsewhere/x?api-version=1&continuationToken=a%2Bb"}"#,
            )
        }
    })
    .await;
    let group = group(&server);

    let first = group.list(PageSize::default(), None).await.unwrap();
    assert_eq!(first.connections[0].user_id.as_ref().unwrap().as_str(), "ann");
    let target = "/api/hubs/chat/groups/g/connections?api-version=2024-12-01&maxpagesize=200";
    assert_eq!(server.request().target, target);

    let second = group.list(PageSize::parse(1).unwrap(), first.next.as_ref()).await.unwrap();
    assert_eq!(second.connections[0].connection_id.as_str(), "c2");
    assert_eq!((second.connections[0].user_id.as_ref(), second.next), (None, None));
    assert!(server.request().target.contains("&maxpagesize=1&continuationToken=a%2Bb"));
}

#[tokio::test]
async fn a_page_that_makes_no_sense_is_the_services_fault() {
    let too_long = format!(r#"{{"value":[],"x":"{}"}}"#, "x".repeat(4 << 20));
    for body in ["", "<html>", r#"{"value":[{}]}"#, &too_long] {
        let answer = body.to_owned();
        let server = Server::start(move |_| json(&answer)).await;
        let error = group(&server).list(PageSize::default(), None).await.unwrap_err();
        assert!(matches!(error, Error::InvalidReply { .. }), "{error}");
        assert_eq!(error.fault(), Fault::Service);
        assert!(error.to_string().starts_with(&server.host_and_port), "{error}");
    }
}
