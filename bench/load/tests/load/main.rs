//! Runs the load on good servers and on servers with faults.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod server;

use std::{
    net::TcpListener,
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::Value;
use server::{Answering, Fault, Server, listen};

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_load")).args(arguments).output().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The exit code and the report of a broadcast.
fn broadcast(server: Server, options: &[&str]) -> (i32, Value) {
    let reach = server.arguments();
    let mut arguments = vec!["broadcast", "--json", "--timeout", "1"];
    arguments.extend(reach.iter().map(String::as_str));
    arguments.extend(options);
    let output = load(&arguments);
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), report.unwrap_or_else(|_| panic!("{}", error(&output))))
}

/// Losses, order violations, duplicates, damaged messages and closed connections.
fn faults(report: &Value) -> [u64; 5] {
    ["losses", "order_violations", "duplicates", "damaged", "closed"]
        .map(|name| report[name].as_u64().unwrap())
}

const THREE: [&str; 4] = ["--connections", "3", "--messages", "20"];

#[test]
fn a_clean_server_has_no_faults() {
    for flow in [&["--pace", "200"][..], &["--in-flight", "4"], &["--one-by-one"], &["--negotiate"]]
    {
        let server = Server::start(&[], Answering::KeepAlive);
        let (code, report) = broadcast(server, &[&THREE, flow].concat());
        assert_eq!((code, faults(&report)), (0, [0; 5]), "{flow:?}");
        assert_eq!(report["delivered"], 60, "{flow:?}");
    }
}

#[test]
fn one_loss_and_one_swap_are_found() {
    let committed = [Fault::Lose { client: 1, message: 5 }, Fault::Swap { client: 2, message: 7 }];
    for flow in [&["--pace", "100"][..], &[]] {
        let server = Server::start(&committed, Answering::KeepAlive);
        let (code, report) = broadcast(server, &[&THREE, flow].concat());
        assert_eq!((code, faults(&report)), (2, [1, 1, 0, 0, 0]), "{flow:?}");
        assert_eq!((&report["delivered"], &report["expected"]), (&59.into(), &60.into()));
    }
}

#[test]
fn a_loss_ends_a_load_that_goes_one_by_one() {
    let server = Server::start(&[Fault::Lose { client: 0, message: 3 }], Answering::KeepAlive);
    let (code, report) = broadcast(server, &[&THREE[..], &["--one-by-one"]].concat());
    assert_eq!((code, faults(&report), &report["messages"]), (2, [1, 0, 0, 0, 0], &4.into()));
}

#[test]
fn repeated_and_damaged_messages_are_found() {
    let committed =
        [Fault::Repeat { client: 0, message: 2 }, Fault::Damage { client: 0, message: 4 }];
    let server = Server::start(&committed, Answering::KeepAlive);
    let (code, report) = broadcast(server, &THREE);
    assert_eq!((code, faults(&report)), (2, [1, 0, 1, 1, 0]));
}

#[test]
fn a_closed_connection_is_found_with_its_reason() {
    let committed = [Fault::CloseWithReason { client: 2, message: 10 }];
    let server = Server::start(&committed, Answering::KeepAlive);
    let (code, report) = broadcast(server, &THREE);
    assert_eq!((code, faults(&report)), (2, [10, 0, 0, 0, 1]));
    assert_eq!(report["close_reason"], "enough of it");
}

#[test]
fn a_message_for_others_is_damage() {
    let server = Server::start(&[], Answering::KeepAlive);
    let (code, report) =
        broadcast(server, &[&THREE[..], &["--to", "group", "--members", "2"]].concat());
    assert_eq!((code, faults(&report)), (2, [0, 0, 0, 20, 0]));
    assert_eq!(report["delivered"], 40);
}

#[test]
fn idle_connections_are_held_as_long_as_asked() {
    let server = Server::start(&[], Answering::KeepAlive);
    let start = Instant::now();
    let (code, _) = broadcast(server, &["--connections", "2", "--messages", "0", "--hold", "1"]);
    assert_eq!(code, 0);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn calls_are_counted_when_they_are_answered() {
    for (answering, code) in [(Answering::KeepAlive, 0), (Answering::Refusing, 1)] {
        let Server { publish, .. } = Server::start(&[], answering);
        let url = format!("http://{publish}/send");
        let output = load(&[
            "calls",
            "--json",
            "--url",
            &url,
            "--body",
            "{}",
            "--count",
            "50",
            "--in-flight",
            "4",
            "--header",
            "x-name: value",
        ]);
        assert_eq!(output.status.code(), Some(code), "{}", error(&output));
        if code == 0 {
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["count"], 50);
        }
    }
}

#[test]
fn posts_may_be_answered_as_by_http_1_0() {
    let server = Server::start(&[], Answering::Closing);
    let (code, report) = broadcast(server, &THREE);
    assert_eq!((code, faults(&report)), (0, [0; 5]));
}

#[test]
fn odd_sizes_are_delivered() {
    for (size, messages) in [("0", "3"), ("1000000", "3"), ("100", "0")] {
        let server = Server::start(&[], Answering::KeepAlive);
        let options = ["--connections", "2", "--messages", messages, "--size", size];
        let (code, report) = broadcast(server, &options);
        assert_eq!((code, faults(&report)), (0, [0; 5]), "{size}");
    }
}

#[test]
fn a_server_that_does_not_serve_is_an_error_within_its_time() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closing = listen(drop);
    let silent = listen(|socket| {
        // The socket stays open until the client gives up.
        let _ = std::io::Read::read_to_end(&mut &socket, &mut Vec::new());
    });
    let refusing = listen(|mut socket| {
        let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 8\r\n\r\nno token";
        let _ = std::io::Read::read(&mut socket, &mut [0; 4096]);
        let _ = std::io::Write::write_all(&mut socket, answer);
    });
    let cases = [
        (free, "is the server there"),
        (closing, "clos"),
        (silent, "in time"),
        (refusing, "401 no token"),
    ];
    for (address, text) in cases {
        for task in ["broadcast", "connections", "negotiates"] {
            let url = format!("http://{address}/hub");
            let start = Instant::now();
            let mut arguments = vec![task, "--url", &url, "--timeout", "1"];
            if task == "broadcast" {
                arguments.extend(["--publish", &url]);
            }
            let output = load(&arguments);
            let error = error(&output);
            assert_eq!(output.status.code(), Some(1), "{task} {error}");
            assert!(error.contains(text) || error.contains("broke"), "{task} {error}");
            assert!(start.elapsed() < Duration::from_secs(10), "{task} {error}");
        }
    }
}

#[test]
fn a_post_that_is_refused_or_not_answered_is_an_error() {
    for (answering, text) in
        [(Answering::Refusing, "500 full"), (Answering::Never, "not answered in 1 s")]
    {
        let [url, hub, publish, send] = Server::start(&[], answering).arguments();
        let output = load(&["broadcast", "-c", "1", "--timeout", "1", &url, &hub, &publish, &send]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains(text), "{}", error(&output));
    }
}

#[test]
fn bad_arguments_say_what_would_do() {
    let hub = "http://127.0.0.1:1/hub";
    for (arguments, text) in [
        (&["broadcast"][..], "--service"),
        (&["broadcast", "--url", hub], "--publish is missing"),
        (&["broadcast", "--url", "https://127.0.0.1/hub"], "http://127.0.0.1:5000/chat"),
        (&["broadcast", "--url", "hub"], "http://127.0.0.1:5000/chat"),
        (&["broadcast", "--url", hub, "--publish", "x:y"], "http://127.0.0.1:5000/chat"),
        (&["broadcast", "--service", "Endpoint=http://localhost"], "--service"),
        (&["broadcast", "--url", hub, "--connections", "0"], "1..=20000"),
        (&["broadcast", "--url", hub, "--connections", "20001"], "1..=20000"),
        (&["broadcast", "--url", hub, "--connections", "many"], "many"),
        (&["broadcast", "--url", hub, "--pace", "0"], "from 0.01 to 100000"),
        (&["broadcast", "--url", hub, "--pace", "NaN"], "from 0.01 to 100000"),
        (&["broadcast", "--url", hub, "--pace", "1", "--in-flight", "2"], "cannot be used with"),
        (&["broadcast", "--url", hub, "--in-flight", "0"], "1..=1000"),
        (&["broadcast", "--url", hub, "--messages", "99999999"], "send at most"),
        (&["broadcast", "--url", hub, "--size", "1000001"], "1000000"),
        (&["broadcast", "--url", hub, "--publish", hub, "--pid", "4000000000"], "no such process"),
        (&["connections", "--url", hub, "--count", "0"], "1..=10000000"),
        (&["broadcast", "--url", hub, "--to", "users"], "--service"),
        (&["broadcast", "--url", hub, "-c", "5", "--to", "group"], "there are 5 connections"),
        (
            &["broadcast", "--url", hub, "--transport", "polls", "--dialect", "messagepack"],
            "only JSON",
        ),
        (&["calls", "--url", hub, "--header", "x"], "x-name: value"),
        (&["sing"], "--help"),
        (&[], "broadcast"),
    ] {
        let output = load(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", error(&output));
        assert!(error(&output).contains(text), "{arguments:?}: {}", error(&output));
    }
    assert_eq!(load(&["--help"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_is_reached_with_tokens() {
    let config = signalr_service::Config {
        listen: signalr_service::Listen::Loopback { port: 0 },
        ..Default::default()
    };
    let service = config.bind().await.unwrap();
    let port = service.addresses()[0].port();
    let key = signalr_service::WELL_KNOWN_ACCESS_KEY;
    let connection = format!("Endpoint=http://localhost;Port={port};AccessKey={key};Version=1.0;");
    let (end, is_over) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(service.run(async {
        let _ = is_over.await;
    }));
    let loads = tokio::task::spawn_blocking(move || {
        let pid = std::process::id().to_string();
        for more in [
            &["broadcast", "-c", "20", "-m", "50", "--in-flight", "4"][..],
            &["broadcast", "-c", "20", "-m", "5", "--negotiate", "--pid", &pid],
            &["connections", "-n", "5"],
            &["connections", "-n", "5", "--negotiate"],
            &["negotiates", "-n", "5"],
            &["broadcast", "-c", "9", "-m", "20", "--dialect", "messagepack"],
            &["broadcast", "-c", "9", "-m", "20", "--transport", "events"],
            &["broadcast", "-c", "9", "-m", "20", "--transport", "polls"],
            &["broadcast", "-c", "9", "-m", "20", "--to", "users"],
            &["broadcast", "-c", "9", "-m", "20", "--to", "groups"],
            &["broadcast", "-c", "9", "-m", "20", "--to", "group", "--members", "4"],
        ] {
            let output = load(&[more, &["--service", &connection]].concat());
            assert_eq!(output.status.code(), Some(0), "{more:?}: {}", error(&output));
        }
    });
    loads.await.unwrap();
    end.send(()).unwrap();
    running.await.unwrap();
}
