//! Keys in virtual time: the issuer answers when the test says so.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, UNIX_EPOCH},
};

use tokio::sync::Semaphore;

use super::*;

const SCHEDULE: Schedule = Schedule {
    fresh: Duration::from_secs(100),
    usable: Duration::from_secs(200),
    pause: Duration::from_secs(10),
    pause_without_keys: Duration::from_secs(3),
    patience: Duration::from_secs(1),
};

type Cache = KeyCache<usize, &'static str>;

/// An issuer whose keys are numbered by attempt.
#[derive(Clone)]
struct Issuer(Arc<Questions>);

struct Questions {
    asked: AtomicUsize,
    /// One permit for each answer that the issuer may give.
    answers: Semaphore,
    is_down: std::sync::atomic::AtomicBool,
}

impl Issuer {
    fn with_answers(answers: usize) -> Self {
        Self(Arc::new(Questions {
            asked: AtomicUsize::new(0),
            answers: Semaphore::new(answers),
            is_down: false.into(),
        }))
    }

    fn cache(&self, schedule: Schedule) -> Cache {
        let issuer = Arc::clone(&self.0);
        KeyCache::new(schedule, move || {
            let issuer = Arc::clone(&issuer);
            async move {
                let attempt = issuer.asked.fetch_add(1, Ordering::SeqCst) + 1;
                issuer.answers.acquire().await.unwrap().forget();
                if issuer.is_down.load(Ordering::SeqCst) { Err("down") } else { Ok(attempt) }
            }
        })
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn answer(&self) {
        self.0.answers.add_permits(1);
    }

    fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::SeqCst);
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

async fn current(cache: &Cache, seconds: u64) -> Result<usize, Option<&'static str>> {
    let keys = cache.current(at(seconds)).await;
    keys.map(|keys| *keys).map_err(|none| none.failure.map(|failure| *failure))
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_by_age() {
    let issuer = Issuer::with_answers(9);
    let cache = issuer.cache(SCHEDULE);
    for (second, key) in [(0, 1), (99, 1), (100, 2), (199, 2), (200, 3), (600, 4)] {
        assert_eq!(current(&cache, second).await, Ok(key), "{second}");
    }
    // A clock that was set back makes no key older.
    assert_eq!(current(&cache, 0).await, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn keys_outlast_an_issuer_that_is_down_and_it_is_asked_again_after_a_pause() {
    let issuer = Issuer::with_answers(9);
    let cache = issuer.cache(SCHEDULE);
    assert_eq!(current(&cache, 0).await, Ok(1));
    issuer.set_down(true);
    for (second, asked) in [(100, 2), (109, 2), (110, 3), (119, 3), (199, 4)] {
        assert_eq!(current(&cache, second).await, Ok(1), "{second}");
        assert_eq!(issuer.asked(), asked, "{second}");
    }
    // Without keys the pause is shorter.
    for (second, asked) in [(202, 5), (204, 5), (205, 6)] {
        assert_eq!(current(&cache, second).await, Err(Some("down")), "{second}");
        assert_eq!(issuer.asked(), asked, "{second}");
    }
    issuer.set_down(false);
    assert_eq!(current(&cache, 208).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_share_one_attempt_and_its_failure() {
    for is_down in [false, true] {
        let issuer = Issuer::with_answers(0);
        issuer.set_down(is_down);
        let cache = issuer.cache(Schedule { pause_without_keys: Duration::ZERO, ..SCHEDULE });
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let cache = cache.clone();
                tokio::spawn(async move { current(&cache, 0).await })
            })
            .collect();
        tokio::time::advance(Duration::from_secs(60)).await;
        issuer.answer();
        for caller in callers {
            let expected = if is_down { Err(Some("down")) } else { Ok(1) };
            assert_eq!(caller.await.unwrap(), expected);
        }
        assert_eq!(issuer.asked(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_usable_keys_waits_for_a_moment_only() {
    let issuer = Issuer::with_answers(1);
    let cache = issuer.cache(SCHEDULE);
    assert_eq!(current(&cache, 0).await, Ok(1));
    let start = Instant::now();
    assert_eq!(current(&cache, 100).await, Ok(1));
    assert_eq!(start.elapsed(), SCHEDULE.patience);
    // The attempt continues, and nobody waits for it a second time.
    assert_eq!(current(&cache, 101).await, Ok(1));
    assert_eq!(start.elapsed(), SCHEDULE.patience);
    assert_eq!(issuer.asked(), 2);

    issuer.answer();
    let keys = cache.newer_than(&Arc::new(1), at(101)).await;
    assert_eq!(keys.as_deref(), Some(&2));
    assert_eq!(current(&cache, 102).await, Ok(2));
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_outlasts_the_caller_who_began_it() {
    let issuer = Issuer::with_answers(0);
    let cache = issuer.cache(SCHEDULE);
    let brief = Duration::from_millis(10);
    assert!(timeout(brief, current(&cache, 0)).await.is_err());
    assert_eq!(issuer.asked(), 1);
    issuer.answer();
    assert_eq!(current(&cache, 0).await, Ok(1));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_pause_begins_when_an_attempt_ends() {
    let issuer = Issuer::with_answers(0);
    issuer.set_down(true);
    let cache = issuer.cache(SCHEDULE);
    let waiting = cache.clone();
    let first = tokio::spawn(async move { current(&waiting, 0).await });
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(50)).await;
    issuer.answer();
    assert_eq!(first.await.unwrap(), Err(Some("down")));
    for (second, asked) in [(50, 1), (52, 1), (53, 2)] {
        issuer.answer();
        assert_eq!(current(&cache, second).await, Err(Some("down")));
        assert_eq!(issuer.asked(), asked, "{second}");
    }
}

#[tokio::test(start_paused = true)]
async fn newer_keys_are_to_be_had_once_in_a_while() {
    let issuer = Issuer::with_answers(9);
    let cache = issuer.cache(SCHEDULE);
    let first = cache.current(at(0)).await.unwrap();
    assert_eq!(cache.newer_than(&first, at(9)).await, None);
    let second = cache.newer_than(&first, at(10)).await.unwrap();
    assert_eq!((*first, *second), (1, 2));
    // A caller that knows only the first keys gets the second without a new question.
    assert_eq!(cache.newer_than(&first, at(11)).await.as_deref(), Some(&2));
    issuer.set_down(true);
    assert_eq!(cache.newer_than(&second, at(30)).await, None);
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_key_is_shown() {
    let cache = KeyCache::new(SCHEDULE, || async { Ok::<_, ()>("hunter2") });
    cache.current(at(0)).await.unwrap();
    assert!(!format!("{cache:?}").contains("hunter2"));
}
