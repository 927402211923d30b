use std::cell::RefCell;

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// The delays after each attempt, until the policy gives up.
fn delays(policy: &RetryPolicy) -> Vec<u128> {
    (1..).map_while(|attempts| policy.delay(attempts, None)).map(|it| it.as_millis()).collect()
}

#[test]
fn delays_are_fixed_or_double_up_to_the_longest() {
    assert_eq!(delays(&RetryPolicy::fixed(3, MS(800))), [800, 800, 800]);
    assert_eq!(delays(&RetryPolicy::exponential(4, MS(500), MS(2000))), [500, 1000, 2000, 2000]);
    assert_eq!(delays(&RetryPolicy::default()), [800, 1600, 3200]);
    assert_eq!(delays(&RetryPolicy::fixed(0, MS(800))), []);
    let many = RetryPolicy::exponential(200, MS(1), Duration::MAX);
    assert_eq!(delays(&many).len(), 200);
}

#[test]
fn jitter_has_the_last_word_on_delays_but_not_on_retry_after() {
    let policy = RetryPolicy::exponential(2, MS(100), MS(300)).with_jitter(|delay| delay / 2);
    assert_eq!(delays(&policy), [50, 100]);
    assert_eq!(policy.delay(1, Some(MS(7000))), Some(MS(7000)));
}

#[test]
fn a_retry_after_that_is_too_long_ends_the_call() {
    let policy = RetryPolicy::fixed(2, MS(100)).with_longest_retry_after(MS(5000));
    assert_eq!(policy.delay(1, Some(MS(5000))), Some(MS(5000)));
    assert_eq!(policy.delay(1, Some(MS(5001))), None);
    assert_eq!(policy.delay(1, Some(Duration::ZERO)), Some(Duration::ZERO));
    assert_eq!(policy.delay(3, Some(Duration::ZERO)), None);
}

/// Runs attempts that always fail, each after `each`. Returns when each began and its time limit,
/// in milliseconds.
async fn attempts(policy: Option<&RetryPolicy>, each: u64) -> Vec<(u128, u128)> {
    let start = Instant::now();
    let seen = RefCell::new(Vec::new());
    run(
        policy,
        MS(1000),
        |limit| {
            seen.borrow_mut().push((start.elapsed().as_millis(), limit.as_millis()));
            sleep(MS(each))
        },
        |()| Verdict::Again { retry_after: None },
    )
    .await;
    seen.into_inner()
}

#[tokio::test(start_paused = true)]
async fn attempts_keep_to_the_delays() {
    assert_eq!(attempts(None, 10).await, [(0, 1000)]);
    let policy = RetryPolicy::exponential(2, MS(100), MS(200));
    let expected = [(0, 1000), (110, 1000), (320, 1000)];
    assert_eq!(attempts(Some(&policy), 10).await, expected);
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_holds_for_all_attempts_and_delays() {
    let policy = RetryPolicy::fixed(9, MS(400)).with_time_limit(MS(1500));
    let expected = [(0, 1000), (500, 1000), (1000, 500)];
    assert_eq!(attempts(Some(&policy), 100).await, expected);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for() {
    let start = Instant::now();
    let policy = RetryPolicy::fixed(1, MS(1));
    let again = |()| Verdict::Again { retry_after: Some(MS(30_000)) };
    run(Some(&policy), MS(1), |_| sleep(MS(0)), |&()| again(())).await;
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_final_outcome_ends_at_once() {
    let policy = RetryPolicy::fixed(9, MS(1));
    let mut left = 3;
    let attempt = |_| {
        left -= 1;
        std::future::ready(left)
    };
    let verdict = |left: &i32| match left {
        0 => Verdict::Final,
        _ => Verdict::Again { retry_after: None },
    };
    assert_eq!(run(Some(&policy), MS(1), attempt, verdict).await, 0);
}
