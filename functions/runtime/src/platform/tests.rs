use axum::{
    body::{Body, Bytes},
    extract::Request,
};
use http_body_util::{BodyExt, channel::Channel};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

use super::{body_time::BODY_TIME, *};
use crate::{Items, config::tests::config};

#[tokio::test(start_paused = true)]
async fn half_a_body_is_not_waited_for_for_ever() {
    for variables in [&[][..], &[("FUNCTIONS_CUSTOMHANDLER_PORT", "0")]] {
        let take = async |_: Items| "taken";
        let router = router(&config(variables).unwrap(), [Function::open("take", take, ())]);
        let request = Request::post("/api/take").header("content-type", "application/json");
        // This body never ends.
        let (mut sender, half) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            while sender.send_data(Bytes::from_static(b"{")).await.is_ok() {
                sleep(BODY_TIME / 4).await;
            }
        });
        let request = request.body(Body::new(half)).unwrap();
        let start = Instant::now();
        let answer = router.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(start.elapsed() >= BODY_TIME && start.elapsed() < 2 * BODY_TIME);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("body"), "{body}");
    }
}
