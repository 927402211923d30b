use std::time::Duration;

use tokio::time::advance;

use super::*;

fn message<'a>(hub: &'a str, group: &'a str) -> Event<'a> {
    Event { hub: Some(hub), group: Some(group), ..Event::default() }
}

/// Everything that a viewer can read without waiting.
async fn seen(watching: &mut Watching) -> (Vec<String>, u64) {
    let (mut events, mut left_out) = (Vec::new(), 0);
    advance(Duration::from_secs(1)).await;
    loop {
        match watching.next().await {
            Some(Seen::Event(event)) => events.push(event.to_string()),
            Some(Seen::LeftOut(count)) if events.is_empty() && left_out == 0 => left_out = count,
            Some(Seen::LeftOut(count)) => return (events, left_out + count),
            None => return (events, left_out),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_made_only_for_those_who_watch() {
    let trace = Trace::default();
    trace.note(|| panic!("nobody watches"));
    let mut watching = trace.watch(Filter::default()).unwrap();
    trace.note(|| message("chat", "g"));
    let (events, _) = seen(&mut watching).await;
    assert_eq!(events.len(), 1);
    assert!(events[0].contains(r#""kind":"message","hub":"chat","group":"g""#), "{events:?}");
    drop(watching);
    assert!(!trace.is_watched());
    trace.note(|| panic!("nobody watches any more"));
}

#[tokio::test(start_paused = true)]
async fn a_filter_lets_pass_what_is_wanted() {
    let trace = Trace::default();
    let filter =
        Filter { group: Some("g".to_owned()), hub: Some("CHAT".to_owned()), ..Filter::default() };
    let mut watching = trace.watch(filter).unwrap();
    for (hub, group) in [("chat", "g"), ("chat", "h"), ("news", "g")] {
        trace.note(|| message(hub, group));
    }
    trace.note(|| Event { hub: Some("chat"), ..Event::default() });
    assert_eq!(seen(&mut watching).await.0.len(), 1);
    let kinds = vec![Kind::Refused];
    let mut refused = trace.watch(Filter { kinds, ..Filter::default() }).unwrap();
    trace.note(|| message("chat", "h"));
    trace.note(|| Event { kind: Kind::Refused, ..Event::default() });
    assert_eq!(seen(&mut refused).await.0.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_counted_and_waits_nowhere() {
    let trace = Trace::default();
    let mut watching = trace.watch(Filter::default()).unwrap();
    for _ in 0..100_000 {
        trace.note(|| message("chat", "g"));
    }
    let (events, left_out) = seen(&mut watching).await;
    assert_eq!((events.len(), left_out), (50, 99_950));
    // The viewer reads nothing for a minute.
    for _ in 0..600 {
        advance(Duration::from_millis(100)).await;
        (0..60).for_each(|_| trace.note(|| message("chat", "g")));
    }
    let (events, left_out) = seen(&mut watching).await;
    assert_eq!(events.len(), 1024);
    assert_eq!(left_out, 600 * 60 - 1024);
}

#[tokio::test(start_paused = true)]
async fn few_may_watch_and_the_end_ends_them() {
    let trace = Trace::default();
    let mut all: Vec<_> =
        (0..MOST_VIEWERS).map(|_| trace.watch(Filter::default()).unwrap()).collect();
    assert_eq!(trace.watch(Filter::default()).unwrap_err(), TooManyViewers);
    all.pop();
    let mut last = trace.watch(Filter::default()).unwrap();
    trace.end();
    assert!(!trace.is_watched());
    assert_eq!(last.next().await, Some(Seen::LeftOut(0)));
    assert_eq!(last.next().await, None);
}

#[test]
fn each_kind_has_its_name() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
    }
}
