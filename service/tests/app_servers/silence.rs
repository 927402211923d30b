//! An app that sends nothing, not even an answer to pings, is taken for gone. The clock is tokio's.

use std::time::Duration;

use futures_util::StreamExt;
use signalr_server_protocol::{ConnectionKind, Ping};
use tokio::time::{Instant, pause, resume, sleep};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::{app::App, clients::arrive, service::start};

#[tokio::test]
async fn an_app_that_answers_no_pings_is_cut_after_30_seconds_and_one_that_does_stays() {
    let service = start().await;
    let mut silent = App::connect(&service, "silent", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    silent.accept().await;
    client.next().await;
    let mut alive = App::connect(&service, "alive", ConnectionKind::Default).await;
    pause();
    let begin = Instant::now();
    let answering = async {
        loop {
            sleep(Duration::from_secs(10)).await;
            alive.send(Ping::keep_alive()).await;
        }
    };
    let waiting = async {
        let mut pings = 0;
        while let Some(Ok(Frame::Binary(bytes))) = silent.socket.next().await {
            assert_eq!(&bytes[..], b"\x02\x91\x03");
            pings += 1;
        }
        (begin.elapsed(), pings)
    };
    let (lasted, pings) = tokio::select! {
        () = answering => unreachable!("it answers for ever"),
        ended = waiting => ended,
    };
    assert!((28..=36).contains(&lasted.as_secs()), "{lasted:?}");
    assert!((5..=7).contains(&pings), "{pings}");
    resume();
    assert_eq!(client.closed().await["allowReconnect"], true);
    let mut other = arrive(&service, None, &[]).await;
    alive.accept().await;
    other.next().await;
}
