//! The line of one connection: its events wait here and are delivered one after the other.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use url::Url;

use super::{Caller, Category, Reply, Upstream, call::CallerHeaders, completion};
use crate::{identity::Identity, protocol::Protocol};

/// The events of one connection. It is to be closed; one that is dropped tells no end.
pub(crate) struct ConnectionEvents(Arc<Line>);

/// A client's call of a method.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// Whether the client waits for an answer, and by which id.
    pub(crate) invocation_id: Option<String>,
    pub(crate) target: String,
    pub(crate) protocol: Protocol,
    /// The client's message without what frames it: a JSON object or a MessagePack array.
    pub(crate) body: Bytes,
}

/// Why an invocation goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// No template is for this target.
    NoTemplate,
    /// The client sends faster than its upstream answers.
    QueueFull,
}

/// Something to tell the upstream.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) url: Url,
    pub(super) category: Category,
    pub(super) name: HeaderValue,
    pub(super) content_type: HeaderValue,
    pub(super) body: Bytes,
    /// Who waits for the answer.
    pub(super) answer: Option<Answer>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) invocation_id: String,
    pub(super) protocol: Protocol,
}

/// What a connection's events have in common, and those that wait. An idle one has no task.
pub(super) struct Line {
    pub(super) upstream: Upstream,
    pub(super) identity: Arc<Identity>,
    /// `None` where the user's id cannot be sent; then no event is.
    pub(super) headers: Option<CallerHeaders>,
    // Held for short synchronous sections only.
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Event>,
    bytes: usize,
    /// Whether a task is delivering.
    is_served: bool,
}

impl ConnectionEvents {
    pub(super) fn open(upstream: Upstream, caller: Caller) -> Self {
        let headers = CallerHeaders::new(&caller);
        if headers.is_none() {
            let connection = caller.identity.id.as_str();
            tracing::error!(
                connection,
                "the user id has characters that no header may have: upstream is told nothing of this connection"
            );
        }
        let identity = caller.identity;
        let line = Arc::new(Line { upstream, identity, headers, queue: Mutex::default() });
        line.tell("connected", &ConnectionEvent { r#type: 10, error: None });
        Self(line)
    }

    /// Queues a client's call. The answer comes as a [`Reply`], where the client waits for one.
    pub(crate) fn invoke(&self, invocation: Invocation) -> Result<(), NotTaken> {
        let Invocation { invocation_id, target, protocol, body } = invocation;
        let event = self.0.event(Category::Messages, &target, content_type(protocol), body);
        let mut event = event.ok_or(NotTaken::NoTemplate)?;
        event.answer = invocation_id.map(|invocation_id| Answer { invocation_id, protocol });
        if self.0.is_full(&event) {
            return Err(NotTaken::QueueFull);
        }
        self.0.push(event);
        Ok(())
    }

    /// Queues the end of the connection, with what went wrong where something did. It always finds
    /// a place.
    pub(crate) fn close(self, error: Option<&str>) {
        self.0.tell("disconnected", &ConnectionEvent { r#type: 11, error });
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
    HeaderValue::from_static(match protocol {
        Protocol::Json => "application/json",
        Protocol::MessagePack => "application/x-msgpack",
    })
}

impl Line {
    #[expect(clippy::expect_used, reason = "a number and a text always serialise")]
    fn tell(self: &Arc<Self>, name: &str, event: &ConnectionEvent<'_>) {
        let body = serde_json::to_vec(event).expect("a number and a text are JSON");
        let json = content_type(Protocol::Json);
        if let Some(event) = self.event(Category::Connections, name, json, body.into()) {
            self.push(event);
        }
    }

    /// The event, where there is a place for it.
    fn event(
        &self,
        category: Category,
        name: &str,
        content_type: HeaderValue,
        body: Bytes,
    ) -> Option<Event> {
        self.headers.as_ref()?;
        let url = self.upstream.0.settings.borrow().url(&self.identity.hub, category, name)?;
        let name = HeaderValue::from_bytes(name.as_bytes()).ok()?;
        Some(Event { url, category, name, content_type, body, answer: None })
    }

    fn is_full(&self, event: &Event) -> bool {
        let limits = &self.upstream.0.limits;
        let queue = self.queue();
        queue.waiting.len() >= limits.waiting
            || (!queue.waiting.is_empty() && queue.bytes + event.body.len() > limits.waiting_bytes)
    }

    fn push(self: &Arc<Self>, event: Event) {
        let mut queue = self.queue();
        queue.bytes += event.body.len();
        queue.waiting.push_back(event);
        if !queue.is_served {
            queue.is_served = true;
            self.upstream.0.busy.send_modify(|busy| *busy += 1);
            self.upstream.0.runtime.spawn(serve(Arc::clone(self)));
        }
    }

    fn next(&self) -> Option<Event> {
        let mut queue = self.queue();
        let event = queue.waiting.pop_front();
        match &event {
            Some(event) => queue.bytes -= event.body.len(),
            // An idle line keeps nothing.
            None => *queue = Queue::default(),
        }
        event
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delivers what waits, until nothing does.
async fn serve(line: Arc<Line>) {
    while let Some(event) = line.next() {
        let outcome = line.call(&event).await;
        let Some(answer) = event.answer else { continue };
        let completion = completion::of(outcome, &answer);
        let Identity { hub, id, .. } = &*line.identity;
        let reply = Reply { hub: hub.clone(), connection: id.clone(), completion };
        // Nobody is left to be answered where the service has ended.
        let _ = line.upstream.0.replies.send(reply).await;
    }
    line.upstream.0.busy.send_modify(|busy| *busy -= 1);
}
