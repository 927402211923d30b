//! A function: what it is called, who may call it, and what it does.

use std::convert::Infallible;

use axum::{extract::Request, handler::Handler, response::Response};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::call::{authorization::Authorization, deadline::Deadline, problem::Problem};

/// The longest body that is taken, in bytes: what the service takes in one request.
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
    /// Where it is beside its own paths.
    other_path: Option<&'static str>,
}

/// That a function takes what triggers bring.
#[derive(Clone, Debug)]
pub(crate) struct OnTrigger {
    pub(crate) timer_body: Option<String>,
}

impl Function {
    /// A function that everyone may call.
    pub fn open<T: 'static, S>(name: &'static str, handler: impl Handler<T, S>, state: S) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let handler = BoxCloneSyncService::new(handler.with_state(state));
        Self { name, authorization: None, handler, on_trigger: None, other_path: None }
    }

    /// A function that only those may call whom the rule lets through.
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

    /// Lets timers, queues and topics of the platform call it as well: its handler gets what they
    /// bring as the body of a POST, for the hub of calls that name none. The platform alone can
    /// make such a call, so nobody's key is asked for.
    ///
    /// `timer_body` is the body of a timer's call, which brings none itself.
    #[must_use]
    pub fn triggered(mut self, timer_body: Option<String>) -> Self {
        self.on_trigger = Some(OnTrigger { timer_body });
        self
    }

    /// Puts it at this path too, which is taken as it is and names no hub: its handler has to learn
    /// of the hub in another way.
    #[must_use]
    pub fn also_at(mut self, path: &'static str) -> Self {
        self.other_path = Some(path);
        self
    }

    pub(crate) fn is_also_at(&self, path: &str) -> bool {
        self.other_path == Some(path)
    }

    /// Handlers that do several things see to the deadline themselves, and say what they did.
    pub(crate) async fn call(&self, request: Request) -> Result<Response, Problem> {
        let deadline: Deadline = request.extensions().get().copied().unwrap_or_default();
        match deadline.limit(self.handler.clone().oneshot(request)).await {
            Some(Ok(response)) => Ok(response),
            Some(Err(never)) => match never {},
            None => Err(Problem::time_is_up()),
        }
    }
}
