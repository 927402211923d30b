//! Tests that events are limited, and that nothing is left of finished events.

use tokio::{
    task::yield_now,
    time::{Instant, timeout},
};

use super::*;

#[tokio::test]
async fn a_full_queue_refuses_invocations_but_takes_its_end() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::all_to(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
    let limits = Limits { waiting: 3, waiting_bytes: 150, ..Limits::default() };
    let (by_count, _replies) = upstream(settings.clone(), limits.clone());
    let events = by_count.open(caller(None));
    // From here on the first event is under way.
    let _connection = silent.accept().await.unwrap();
    for _ in 0..3 {
        events.invoke(invocation(None, "a")).unwrap();
    }
    assert_eq!(events.invoke(invocation(None, "a")), Err(NotTaken::QueueFull));
    events.close(None);

    let (by_bytes, _replies) = upstream(settings, limits);
    let events = by_bytes.open(caller(None));
    let _connection = silent.accept().await.unwrap();
    events.invoke(invocation(None, &"long".repeat(100))).unwrap();
    assert_eq!(events.invoke(invocation(None, "a")), Err(NotTaken::QueueFull));
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_there_are_places() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::all_to(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
    let (upstream, _replies) = upstream(settings, Limits { requests: 2, ..Limits::default() });
    let _events: Vec<_> = (0..5).map(|_| upstream.open(caller(None))).collect();
    let first = silent.accept().await.unwrap();
    let _second = silent.accept().await.unwrap();
    assert!(timeout(Duration::from_millis(50), silent.accept()).await.is_err(), "two places");
    drop(first);
    let _third = silent.accept().await.unwrap();
}

/// Nothing is left of event queues, their bytes, their tasks and their places, whatever the upstream
/// does.
#[tokio::test]
async fn nothing_stays_of_events_that_were_delivered_or_failed() {
    let healthy = StandIn::start().await;
    let failing = StandIn::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let urls = [
        healthy.url.clone(),
        format!("{}/failing", failing.url),
        format!("http://{}", silent.local_addr().unwrap()),
        "http://127.0.0.1:1".to_owned(),
    ];
    for url in urls {
        let settings = Settings::all_to(&url).unwrap();
        let limits = Limits { time: Duration::from_millis(200), ..Limits::default() };
        let (upstream, mut replies) = upstream(settings, limits);
        let mut stays = Vec::new();
        for _ in 0..20 {
            failing.will_answer(StatusCode::INTERNAL_SERVER_ERROR);
            stays.push(upstream.open(caller(None)));
            for leaves in [true, false] {
                let events = upstream.open(caller(None));
                events.invoke(invocation(Some("1"), "send")).unwrap();
                if leaves {
                    events.close(None);
                } else {
                    stays.push(events);
                }
            }
        }
        assert!(*upstream.0.busy.borrow() > 0 && upstream.0.calls.places.bytes() > 0, "{url}");
        let answered = async {
            for _ in 0..40 {
                replies.recv().await.unwrap();
            }
            upstream.idle().await;
        };
        timeout(Duration::from_secs(20), answered).await.expect("events wait for ever");
        assert_eq!((upstream.0.calls.places.upstreams(), upstream.0.calls.places.bytes()), (0, 0));
        assert!(stays.iter().all(ConnectionEvents::is_as_new), "{url}");
        // Only the open connections and this test still hold the shared state.
        assert_eq!(Arc::strong_count(&upstream.0), stays.len() + 1, "{url}");
    }
}

#[tokio::test]
async fn past_the_bytes_in_all_calls_are_refused_and_events_left_out_and_counted() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::all_to(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
    let limits = Limits { requests: 1, waiting_bytes_in_all: 20_000, ..Limits::default() };
    let (upstream, _replies) = upstream(settings, limits);
    let (counters, places) = (&upstream.0.counters, &upstream.0.calls.places);
    let events = upstream.open(caller(None));
    let refusal = loop {
        if let Err(refusal) = events.invoke(invocation(None, "send")) {
            break refusal;
        }
    };
    assert_eq!((refusal, counters.upstream_events_left_out()), (NotTaken::AllFull, 1));
    assert!((9_000..=10_000).contains(&places.bytes()), "{}", places.bytes());
    for _ in 0..5 {
        upstream.open(caller(None)).close(None);
    }
    assert!(counters.upstream_events_left_out() >= 8, "{counters:?}");
}

#[tokio::test]
async fn events_that_wait_for_a_place_count_though_none_is_before_them() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::all_to(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
    let limits = Limits { requests: 1, waiting_bytes_in_all: 20_000, ..Limits::default() };
    let (upstream, _replies) = upstream(settings, limits);
    let (counters, places) = (&upstream.0.counters, &upstream.0.calls.places);
    let mut clients = Vec::new();
    while counters.upstream_events_left_out() == 0 {
        clients.push(upstream.open(caller(None)));
        // Its task takes the event out of its queue.
        yield_now().await;
        assert!(clients.len() < 1000, "{} bytes", places.bytes());
    }
    assert!(clients.iter().all(|one| one.waiting() == 0));
    assert!((9_000..=10_000).contains(&places.bytes()), "{}", places.bytes());
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_holds_for_the_wait_for_a_place_too() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::all_to(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
    let (upstream, _replies) = upstream(settings, Limits { requests: 1, ..Limits::default() });
    let limit = upstream.0.calls.limits.time;
    let start = Instant::now();
    let _clients: Vec<_> = (0..10).map(|_| upstream.open(caller(None))).collect();
    upstream.idle().await;
    let waited = start.elapsed();
    assert!(waited <= limit + Duration::from_secs(1), "{waited:?}");
    assert_eq!((upstream.0.calls.places.upstreams(), upstream.0.calls.places.bytes()), (0, 0));
}

#[tokio::test]
async fn answers_that_nobody_has_taken_yet_have_a_bound_and_are_counted() {
    let stand_in = StandIn::start().await;
    let settings = Settings::all_to(&stand_in.url).unwrap();
    let limits = Limits { waiting_bytes_in_all: 20_000, ..Limits::default() };
    let (upstream, mut replies) = upstream(settings, limits);
    let (counters, places) = (&upstream.0.counters, &upstream.0.calls.places);
    let answer = format!("\"{}\"", "x".repeat(6_000));
    let events = upstream.open(caller(None));
    let mut answers = Vec::new();
    // The first answer is for `connected`.
    stand_in.will_answer(StatusCode::OK);
    for left_out in [0, 1] {
        stand_in.will_answer(answer.clone());
        events.invoke(invocation(Some("1"), "send")).unwrap();
        let reply = timeout(Duration::from_secs(20), replies.recv()).await.unwrap().unwrap();
        assert_eq!(text(&reply).contains("response too large"), left_out == 1, "{}", text(&reply));
        assert_eq!(counters.upstream_answers_left_out(), left_out);
        answers.push(reply);
    }
    upstream.idle().await;
    assert!((6_000..9_000).contains(&places.bytes()), "{}", places.bytes());
    drop(answers);
    assert_eq!((places.upstreams(), places.bytes()), (0, 0));
}
