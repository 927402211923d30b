//! A group's connections, page by page and as a stream.

use std::num::NonZeroU64;

use futures_util::{StreamExt, TryStreamExt};
use signalr_serverless::{
    Error, Fault, GroupName,
    rest::{Group, PageSize},
};

use crate::server::{Server, json, status};

fn group(server: &Server) -> Group {
    server.hub().group(GroupName::parse("g").unwrap())
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
        let server = Server::start(move |_| json(answer.clone())).await;
        let error = group(&server).list(PageSize::default(), None).await.unwrap_err();
        assert!(matches!(error, Error::InvalidReply { .. }), "{error}");
        assert_eq!(error.fault(), Fault::Service);
        assert!(error.to_string().starts_with(&server.host_and_port), "{error}");
    }
}

/// A group of ten, three to a page; the continuation is the number of the next one.
async fn group_of_ten() -> Server {
    Server::start(|request| {
        let parameter = |name: &str| {
            let value = request.target.split(['?', '&']).find_map(|it| it.strip_prefix(name))?;
            value.parse::<u64>().ok()
        };
        let first = parameter("continuationToken=").unwrap_or(0);
        let end = 10.min(first + parameter("maxpagesize=").unwrap().min(3));
        let members: Vec<_> =
            (first..end).map(|id| format!(r#"{{"connectionId":"c{id}"}}"#)).collect();
        let link = format!(r#","nextLink":"http://x/?top=1&continuationToken={end}""#);
        let link = if end < 10 { link } else { String::new() };
        json(format!(r#"{{"value":[{}]{link}}}"#, members.join(",")))
    })
    .await
}

async fn members(group: &Group, top: Option<u64>) -> Vec<String> {
    let members = group.members(top.map(|top| NonZeroU64::new(top).unwrap()));
    members.map_ok(|member| member.connection_id.to_string()).try_collect().await.unwrap()
}

#[tokio::test]
async fn all_members_are_read_page_after_page() {
    let mut server = group_of_ten().await;
    let expected: Vec<_> = (0..10).map(|id| format!("c{id}")).collect();
    assert_eq!(members(&group(&server), None).await, expected);
    let asked: Vec<_> = (0..4).map(|_| server.request().target).collect();
    assert!(asked[0].ends_with("&maxpagesize=200"), "{asked:?}");
    assert!(asked[3].ends_with("&maxpagesize=200&continuationToken=9"), "{asked:?}");
    assert!(!server.has_request());
}

#[tokio::test]
async fn top_ends_the_stream_and_asks_for_no_more() {
    for (top, last) in [
        (1, "maxpagesize=1&top=1"),
        (3, "maxpagesize=3&top=3"),
        (4, "maxpagesize=1&top=1&continuationToken=3"),
        (10, "maxpagesize=1&top=1&continuationToken=9"),
        (999, "maxpagesize=200&top=990&continuationToken=9"),
    ] {
        let mut server = group_of_ten().await;
        let found = members(&group(&server), Some(top)).await;
        assert_eq!(found.len() as u64, top.min(10));
        let asked: Vec<_> = (0..found.len().div_ceil(3)).map(|_| server.request().target).collect();
        assert!(asked.last().unwrap().ends_with(last), "{asked:?}");
        assert!(!server.has_request());
    }
}

#[tokio::test]
async fn nothing_is_asked_before_the_stream_is_read() {
    let mut server = group_of_ten().await;
    let group = group(&server);
    let mut stream = group.members(None);
    assert!(!server.has_request());
    for _ in 0..3 {
        stream.next().await.unwrap().unwrap();
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn an_error_ends_the_stream() {
    let page = r#"{"value":[{"connectionId":"c"}],"nextLink":"http://x/?continuationToken=1"}"#;
    let server = Server::scripted([json(page), status(500)]).await;
    let mut stream = group(&server).members(None);
    assert!(stream.next().await.unwrap().is_ok());
    assert!(matches!(stream.next().await, Some(Err(Error::Refused(_)))));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_service_that_goes_round_in_circles_is_left() {
    let page = r#"{"value":[{"connectionId":"c"}],"nextLink":"http://x/?continuationToken=1"}"#;
    let server = Server::start(move |_| json(page)).await;
    assert_eq!(members(&group(&server), None).await.len(), 2);
}

#[tokio::test]
async fn more_than_was_asked_for_is_cut() {
    let page = r#"{"value":[{"connectionId":"c1"},{"connectionId":"c2"}]}"#;
    let server = Server::start(move |_| json(page)).await;
    assert_eq!(members(&group(&server), Some(1)).await, ["c1"]);
}
