//! The end of logins and their renewal, in virtual time.

use super::*;
use crate::{
    hub::work::{LoginAnswer, LoginRequest, PostAnswer},
    login::{LoginEnd, NewClaims, OtherUser, Renewal},
    session::Seconds,
};

const LOGIN_ENDED: &str =
    r#"{"type":7,"error":"the client's login has ended","allowReconnect":true}"#;

/// Terms of a session that ends at this second.
fn ends_at(second: Seconds) -> Terms {
    Terms { expires: Some(second), ..Terms::default() }
}

fn claims_of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned())).collect()
}

/// The claims with which a session ends together with its login.
fn closing() -> Vec<(String, String)> {
    claims_of(&[("asrs.s.coae", "true"), ("sub", "ann")])
}

fn renewal(left: Option<Seconds>) -> Renewal {
    let ends = left.map_or(LoginEnd::Never, |left| LoginEnd::At { epoch: 0, left });
    Renewal { ends: Some(ends), claims: Some(NewClaims::OfToken(closing())) }
}

impl Scene {
    async fn login(&self, id: &str, renewal: Option<Renewal>) -> Option<LoginAnswer> {
        let (answer, answered) = oneshot::channel();
        let (hub, connection) = (hub(), connection(id));
        self.push(Work::Login(LoginRequest { hub, connection, renewal, answer })).await;
        answered.await.ok()
    }

    async fn renew(&self, id: &str, left: Option<Seconds>) {
        assert!(matches!(self.login(id, Some(renewal(left))).await, Some(Ok(_))));
    }

    async fn post_expired(&self, id: &str) -> Option<PostAnswer> {
        let (taken, answered) = oneshot::channel();
        let (bytes, token) = (Bytes::from_static(PING), TokenTime::Expired);
        let request = ClientRequest::Messages { bytes, token, taken };
        self.push(Work::FromClient { connection: connection(id), request }).await;
        answered.await.ok()
    }

    async fn open_polling(&self, id: &str, terms: Terms) {
        let queue = Box::new(PollQueue::new(&self.shared.queue_budget, 0));
        self.adopt(id, Some("ann"), Carrier::LongPolling(queue), terms).await;
        self.post(&connection(id), HANDSHAKE).await;
        assert_eq!(said(self.poll(id).await.await.unwrap()), "{}");
    }
}

fn said(answer: PollAnswer) -> String {
    match answer {
        PollAnswer::Messages(bytes) => {
            String::from_utf8(bytes.to_vec()).unwrap().replace('\u{1e}', "")
        }
        other => format!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_its_login_and_later_if_that_is_renewed() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            for (id, renewed, end) in [
                ("as told", None, Some(60)),
                ("later", Some(Some(100)), Some(150)),
                ("sooner", Some(Some(3)), Some(53)),
                ("never", Some(None), None),
            ] {
                let start = scene.start.elapsed().as_secs();
                let expires = Seconds::try_from(start).unwrap() + 60;
                let mut client = scene.connect_on(ends_at(expires), id, Some("ann")).await;
                client.open().await;
                scene.until(start + 50).await;
                if let Some(left) = renewed {
                    scene.renew(id, left).await;
                }
                let Some(end) = end else {
                    scene.until(start + 100_000).await;
                    scene.send_to(Target::Hub).await;
                    assert_eq!(client.next_at().await, (start + 100_000, "data: {}".to_owned()));
                    continue;
                };
                let (second, event) = client.next_at().await;
                assert_eq!((second - start, event), (end, format!("data: {LOGIN_ENDED}")), "{id}");
                assert_eq!(client.next().await, None);
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_login_that_ends_does_not_close_a_session_that_is_not_to_end_with_it() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let mut client = scene.connect_on(Terms::default(), "a", Some("ann")).await;
            client.open().await;
            let ends = Some(LoginEnd::At { epoch: 5, left: 5 });
            let claims = scene.login("a", Some(Renewal { ends, claims: None })).await;
            assert_eq!(claims, Some(Ok(Vec::new())));
            scene.until(100).await;
            assert_eq!(scene.send_to(Target::Hub).await, 1);
            assert_eq!(client.next_at().await, (100, "data: {}".to_owned()));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_or_comes_later_brings_the_reason() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            scene.open_polling("waits", ends_at(60)).await;
            let waiting = scene.poll("waits").await;
            assert_eq!(said(waiting.await.unwrap()), LOGIN_ENDED);
            assert_eq!(scene.start.elapsed().as_secs(), 60);
            let last = scene.poll_with("waits", TokenTime::Expired).await.await.unwrap();
            assert!(matches!(last, PollAnswer::Ended), "{last:?}");

            scene.open_polling("later", ends_at(70)).await;
            scene.until(72).await;
            let later = scene.poll_with("later", TokenTime::Expired).await;
            assert_eq!(said(later.await.unwrap()), LOGIN_ENDED);

            // The token's clock may be ahead of the session's clock by a part of a second.
            scene.open_polling("early", ends_at(80)).await;
            scene.until(79).await;
            let early = scene.poll_with("early", TokenTime::Expired).await;
            assert_eq!(said(early.await.unwrap()), LOGIN_ENDED);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_refused_unless_the_login_was_renewed() {
    let (scene, local) = Scene::start(Rules { poll_gap: 1000, ..rules() }, Store::default());
    local
        .run_until(async {
            scene.open_polling("a", Terms::default()).await;
            let refused = scene.poll_with("a", TokenTime::Expired).await.await.unwrap();
            assert!(matches!(refused, PollAnswer::TokenExpired), "{refused:?}");
            assert_eq!(scene.post_expired("a").await, Some(PostAnswer::TokenExpired));
            let ends = Some(LoginEnd::At { epoch: 60, left: 60 });
            scene.login("a", Some(Renewal { ends, claims: None })).await.unwrap().unwrap();
            assert_eq!(scene.post_expired("a").await, Some(PostAnswer::Taken));
            let poll = scene.poll_with("a", TokenTime::Expired).await;
            scene.send_to(Target::Hub).await;
            assert_eq!(said(poll.await.unwrap()), "{}");
            scene.until(60).await;
            assert_eq!(scene.post_expired("a").await, Some(PostAnswer::TokenExpired));
            assert_eq!(scene.post_expired("nobody").await, None);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn only_an_open_connection_of_the_same_user_is_renewed() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            assert_eq!(scene.login("a", None).await, None);
            let mut client = scene.connect_on(ends_at(60), "a", Some("bob")).await;
            assert_eq!(scene.login("a", None).await, None, "its handshake is not done");
            client.open().await;
            let refused = scene.login("a", Some(renewal(None))).await;
            assert_eq!(refused, Some(Err(OtherUser)));
            assert_eq!(scene.login("a", None).await, Some(Ok(Vec::new())));
            let (second, event) = client.next_at().await;
            assert_eq!((second, event), (60, format!("data: {LOGIN_ENDED}")));
            assert_eq!(scene.login("a", None).await, None, "it is over");
        })
        .await;
}
