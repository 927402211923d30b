//! The event queue of one connection: its events wait here and are delivered one after the other.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use signalr_serverless::upstream::Category;

use super::{
    call::{Failure, Sender},
    caller::{Caller, CallerHeaders, claims_header},
    completion,
    deliveries::{Busy, Deliveries},
    event::{Answer, Event, Reply},
};
use crate::{identity::Identity, login::Claim, protocol::Protocol, session::NotCalled};

/// The events of one connection. Call [`close`](Self::close) at the end: dropping it reports no
/// end.
pub(crate) struct ConnectionEvents(Arc<EventQueue>);

impl std::fmt::Debug for ConnectionEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionEvents").finish_non_exhaustive()
    }
}

/// A client's call of a method.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The id of the invocation, if the client waits for an answer.
    pub(crate) invocation_id: Option<String>,
    pub(crate) target: String,
    pub(crate) protocol: Protocol,
    /// The client's message without its frame: a JSON object or a MessagePack array.
    pub(crate) body: Bytes,
}

/// Why an invocation is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Nothing answers this invocation.
    Never(NotCalled),
    /// The client sends faster than its upstream answers.
    QueueFull,
    /// Too many bytes of all clients wait for the upstream.
    AllFull,
}

impl From<NotCalled> for NotTaken {
    fn from(why: NotCalled) -> Self {
        Self::Never(why)
    }
}

/// The shared data of a connection's events, and the waiting events. An idle queue has no task.
struct EventQueue {
    deliveries: Arc<Deliveries>,
    identity: Arc<Identity>,
    /// `None` if the user's id cannot be sent. Then no event is sent.
    headers: Option<CallerHeaders>,
    /// The claims of the login, which may be renewed. Held for short synchronous sections only.
    claims: Mutex<Option<HeaderValue>>,
    // Held for short synchronous sections only.
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Event>,
    bytes: usize,
    /// The call that the upstream is answering.
    under_way: Option<String>,
    /// Whether a task delivers the events.
    is_served: bool,
}

impl ConnectionEvents {
    pub(super) fn open(deliveries: Arc<Deliveries>, caller: Caller) -> Self {
        let events = Self::go_on(deliveries, caller);
        events.0.report("connected", &ConnectionEvent { r#type: 10, error: None });
        events
    }

    /// Like [`open`](Self::open), for a connection that was reported before.
    pub(super) fn go_on(deliveries: Arc<Deliveries>, caller: Caller) -> Self {
        let headers = CallerHeaders::new(&caller);
        if headers.is_none() {
            let connection = caller.identity.id.as_str();
            tracing::error!(
                connection,
                "the user id has characters that no header may have: upstream is told nothing of this connection"
            );
        }
        let claims = Mutex::new(claims_header(&caller.claims));
        let (identity, queue) = (caller.identity, Mutex::default());
        let events = Arc::new(EventQueue { deliveries, identity, headers, claims, queue });
        Self(events)
    }

    /// Uses other claims for later events.
    pub(crate) fn renew_claims(&self, claims: &[Claim]) {
        *self.0.claims() = claims_header(claims);
    }

    /// Queues a client's call. If the client waits for an answer, the answer arrives as a
    /// [`Reply`].
    pub(crate) fn invoke(&self, invocation: Invocation) -> Result<(), NotTaken> {
        let Invocation { invocation_id, target, protocol, body } = invocation;
        let answer = invocation_id.map(|invocation_id| Answer { invocation_id, protocol });
        let content_type = content_type(protocol);
        let event = self.0.event(Category::Messages, &target, content_type, body, answer)?;
        self.0.push(event);
        Ok(())
    }

    /// Queues the end of the connection, with the error if there was one. There is always a place
    /// for it, unless too many bytes of all clients wait for the upstream.
    pub(crate) fn close(self, error: Option<&str>) {
        self.0.report("disconnected", &ConnectionEvent { r#type: 11, error });
    }

    /// The client's calls that the upstream has still to answer.
    pub(crate) fn open_calls(&self) -> Vec<String> {
        let queue = self.0.queue();
        let waiting = queue.waiting.iter().filter_map(|event| event.answer.as_ref());
        let waiting = waiting.map(|answer| answer.invocation_id.clone());
        queue.under_way.clone().into_iter().chain(waiting).collect()
    }

    /// How many events wait for earlier ones.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.0.queue().waiting.len()
    }

    /// Whether nothing is left of earlier events.
    #[cfg(test)]
    pub(super) fn is_as_new(&self) -> bool {
        let Queue { waiting, bytes, under_way, is_served } = &*self.0.queue();
        waiting.capacity() == 0 && *bytes == 0 && under_way.is_none() && !is_served
    }
}

/// The body of `connected` and `disconnected`.
#[derive(Serialize)]
struct ConnectionEvent<'a> {
    r#type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn content_type(protocol: Protocol) -> HeaderValue {
    HeaderValue::from_static(completion::encoding(protocol).media_type())
}

impl EventQueue {
    #[expect(clippy::expect_used, reason = "a number and a text always serialise")]
    fn report(self: &Arc<Self>, name: &str, event: &ConnectionEvent<'_>) {
        let body = serde_json::to_vec(event).expect("a number and a text are JSON");
        let json = content_type(Protocol::Json);
        // An event that is not taken was counted, or has no template.
        if let Ok(event) = self.event(Category::Connections, name, json, body.into(), None) {
            self.push(event);
        }
    }

    /// Makes the event, if there is a template for it and a place to wait.
    fn event(
        &self,
        category: Category,
        name: &str,
        content_type: HeaderValue,
        body: Bytes,
        answer: Option<Answer>,
    ) -> Result<Event, NotTaken> {
        let Identity { hub, .. } = &*self.identity;
        let headers = self.headers.as_ref().ok_or(NotCalled::BadUser)?;
        let url = self.deliveries.settings.borrow().url(hub, category, name);
        let (template, url) = url.ok_or(NotCalled::NoTemplate)?;
        let url = url.ok_or(NotCalled::BadName)?;
        let header = HeaderValue::from_bytes(name.as_bytes()).map_err(|_| NotCalled::BadName)?;
        let is_message = category == Category::Messages;
        if is_message && self.is_full(body.len()) {
            return Err(NotTaken::QueueFull);
        }
        // A closed connection keeps its headers only for these events.
        let of_claims = || self.claims().as_ref().map_or(0, HeaderValue::len);
        let of_caller = if is_message { 0 } else { headers.bytes().saturating_add(of_claims()) };
        let bytes = [size_of::<Event>(), url.as_str().len(), name.len(), body.len(), of_caller];
        let bytes = bytes.into_iter().fold(0, usize::saturating_add);
        let Some(admitted) = self.deliveries.calls.places.admit(&url, bytes) else {
            self.deliveries.left_out(hub.as_str(), name);
            return Err(NotTaken::AllFull);
        };
        Ok(Event { url, template, category, name: header, content_type, body, answer, admitted })
    }

    /// Whether there is no place for an event of this size of this connection.
    fn is_full(&self, bytes: usize) -> bool {
        let limits = &self.deliveries.calls.limits;
        let queue = self.queue();
        queue.waiting.len() >= limits.waiting
            || (!queue.waiting.is_empty()
                && queue.bytes.saturating_add(bytes) > limits.waiting_bytes)
    }

    fn push(self: &Arc<Self>, event: Event) {
        let mut queue = self.queue();
        queue.bytes = queue.bytes.saturating_add(event.body.len());
        queue.waiting.push_back(event);
        if !queue.is_served {
            queue.is_served = true;
            let busy = Busy::begin(Arc::clone(&self.deliveries));
            self.deliveries.runtime.spawn(serve(Arc::clone(self), busy));
        }
    }

    fn next(&self) -> Option<Event> {
        let mut queue = self.queue();
        let event = queue.waiting.pop_front();
        match &event {
            Some(event) => {
                queue.bytes = queue.bytes.saturating_sub(event.body.len());
                queue.under_way = event.answer.as_ref().map(|answer| answer.invocation_id.clone());
            }
            // An idle queue keeps nothing.
            None => *queue = Queue::default(),
        }
        event
    }

    fn claims(&self) -> MutexGuard<'_, Option<HeaderValue>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delivers the waiting events until none is left.
async fn serve(events: Arc<EventQueue>, _busy: Busy) {
    while let Some(mut event) = events.next() {
        let (headers, claims) = (events.headers.as_ref(), events.claims().clone());
        let from = Sender { identity: &events.identity, headers, claims };
        let outcome = events.deliveries.calls.call(from, &mut event).await;
        if matches!(outcome, Err(Failure::NoRoom)) {
            events.deliveries.counters.answer_left_out();
        }
        let Event { answer: Some(answer), admitted, .. } = event else { continue };
        let completion = admitted.hand_over(completion::of(outcome, &answer));
        let Identity { hub, id, .. } = &*events.identity;
        let reply = Reply { hub: hub.clone(), connection: id.clone(), completion };
        events.deliveries.replies.send(reply).await;
    }
}
