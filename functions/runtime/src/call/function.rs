//! A function: its name, its callers, and its handler.

use std::convert::Infallible;

use axum::{extract::Request, handler::Handler, response::Response};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::call::{authorization::Authorization, deadline::Deadline, problem::Problem};

/// The longest body that is accepted, in bytes. The service accepts the same in one request.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// A function: a name, a handler of POST, and who may call it.
///
/// The handler finds the hub of the call as [`HubName`](signalr_serverless::HubName) among the
/// request's extensions.
#[derive(Clone, Debug)]
pub struct Function {
    pub(crate) name: &'static str,
    pub(crate) authorization: Option<Authorization>,
    handler: BoxCloneSyncService<Request, Response, Infallible>,
    pub(crate) on_trigger: Option<OnTrigger>,
    /// A further path of the function, beside its own paths.
    other_path: Option<&'static str>,
}

/// How a function accepts calls of triggers.
#[derive(Clone, Debug)]
pub(crate) struct OnTrigger {
    pub(crate) timer_body: Option<String>,
}

impl Function {
    /// Makes a function that everyone may call.
    pub fn open<T: 'static, S>(name: &'static str, handler: impl Handler<T, S>, state: S) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let handler = BoxCloneSyncService::new(handler.with_state(state));
        Self { name, authorization: None, handler, on_trigger: None, other_path: None }
    }

    /// Makes a function that only callers allowed by the rule may call.
    pub fn guarded<T: 'static, S>(
        name: &'static str,
        authorization: Authorization,
        handler: impl Handler<T, S>,
        state: S,
    ) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        Self { authorization: Some(authorization), ..Self::open(name, handler, state) }
    }

    /// Lets timers, queues and topics of the platform call the function too. The handler gets their
    /// payload as the body of a POST, for the default hub. Only the platform can make such a call,
    /// so no key is needed.
    ///
    /// `timer_body` is the body of a timer's call, because a timer has no payload.
    #[must_use]
    pub fn triggered(mut self, timer_body: Option<String>) -> Self {
        self.on_trigger = Some(OnTrigger { timer_body });
        self
    }

    /// Adds a further path to the function. The path is used as it is and names no hub, so the
    /// handler must find the hub in another way.
    #[must_use]
    pub fn also_at(mut self, path: &'static str) -> Self {
        self.other_path = Some(path);
        self
    }

    pub(crate) fn is_also_at(&self, path: &str) -> bool {
        self.other_path == Some(path)
    }

    /// Calls the handler. Handlers that do several things check the deadline themselves and report
    /// what they did.
    pub(crate) async fn call(&self, request: Request) -> Result<Response, Problem> {
        let deadline: Deadline = request.extensions().get().copied().unwrap_or_default();
        match deadline.limit(self.handler.clone().oneshot(request)).await {
            Some(Ok(response)) => Ok(response),
            Some(Err(never)) => match never {},
            None => Err(Problem::time_is_up()),
        }
    }
}
