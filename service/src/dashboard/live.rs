//! The live trace as server-sent events.

use std::{convert::Infallible, sync::Arc, time::SystemTime};

use axum::{
    Extension,
    extract::State as Extract,
    response::{
        IntoResponse,
        sse::{Event, Sse},
    },
};
use futures_util::stream;
use tokio::time::{Instant, sleep_until};

use super::{error::Error, login::Login, parameters::Parameters, view::Dashboard};
use crate::trace::{Filter, Kind, Seen};

/// `GET /dashboard/api/trace`. The trace ends with the login, or when the viewer leaves.
pub(super) async fn trace(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    Extension(login): Extension<Login>,
    parameters: Parameters,
) -> Result<impl IntoResponse, Error> {
    let watching = dashboard.state.trace.watch(filter(&parameters)?)?;
    let end = Instant::now() + login.left(SystemTime::now());
    let events = stream::unfold(watching, move |mut watching| async move {
        let seen = tokio::select! {
            () = sleep_until(end) => None,
            seen = watching.next() => seen,
        };
        let event = match seen? {
            Seen::Event(event) => Event::default().data(event),
            Seen::LeftOut(count) => Event::default().event("leftOut").data(count.to_string()),
        };
        Some((Ok::<_, Infallible>(event), watching))
    });
    Ok(Sse::new(events))
}

fn filter(parameters: &Parameters) -> Result<Filter, Error> {
    let kind = |name: &str| {
        let known = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| {
            let names = Kind::ALL.map(Kind::name).join(", ");
            Error::bad(format!("kind: '{name}' is none of {names}"))
        })
    };
    let text = |name| parameters.text(name).map(str::to_owned);
    Ok(Filter {
        hub: text("hub"),
        user: text("user"),
        connection: text("connection"),
        group: text("group"),
        kinds: parameters.texts("kind").map(kind).collect::<Result<_, _>>()?,
    })
}
