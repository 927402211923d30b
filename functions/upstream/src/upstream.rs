//! Passes a request of the service to the handler of its event, and the result back.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{StatusCode, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use signalr_function_runtime::{Authorization, BODY_LIMIT, Config, Followed, Function, Problem};
use signalr_serverless::{
    AccessKey, ConnectionId, Credential,
    upstream::{Encoding, SignatureKeys, header},
};

use crate::{
    context::{Context, required},
    encoding,
    error::{Kind, MethodError},
    invocation::Invocation,
    method::{Handler, Method},
};

/// The path to which asrs-emulator sends events by default.
const WEBHOOK: &str = "/runtime/webhooks/signalr";

/// Handlers of clients' actions. A check makes sure that the service itself calls them.
#[derive(Clone, Debug)]
pub struct Upstream {
    keys: SignatureKeys,
    /// The rule for callers, if the service has no key to sign with.
    function_keys: Option<Authorization>,
    connected: Option<Handler<(), ()>>,
    disconnected: Option<Handler<Option<String>, ()>>,
    /// The methods with their names in lower case.
    methods: Vec<(String, Method)>,
}

impl Upstream {
    /// An upstream without handlers for the service that the configuration names. Requests must be
    /// signed with that service's key. If there is a Microsoft Entra identity instead, requests
    /// must have a key of `FUNCTION_KEY`. The service takes it from the URL that it calls.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let upstream = Self {
            keys: SignatureKeys::default(),
            function_keys: None,
            connected: None,
            disconnected: None,
            methods: Vec::new(),
        };
        match config.connection_string.credential() {
            Credential::AccessKey(key) => upstream.with_key(key),
            _ => Self { function_keys: config.function_keys(), ..upstream },
        }
    }

    /// Also accepts requests that another service signs with this key.
    #[must_use]
    pub fn with_key(mut self, key: &AccessKey) -> Self {
        self.keys.add(key);
        self
    }

    /// Sets the handler for a client that has connected. An error becomes a 403 for the service.
    /// The service decides whether the client may stay; so far every service lets it stay.
    #[must_use]
    pub fn on_connected<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), MethodError>> + Send + 'static,
    {
        self.connected = Some(Handler::new(move |context, ()| handler(context)));
        self
    }

    /// Sets the handler for a client that has disconnected, with the reason if the client did not
    /// leave by itself.
    #[must_use]
    pub fn on_disconnected<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Context, Option<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), MethodError>> + Send + 'static,
    {
        self.disconnected = Some(Handler::new(handler));
        self
    }

    /// Sets the handler for clients' calls of the method with this name, in upper or lower case.
    /// The arguments are a tuple of the method's types, `()` for none. Other arguments are refused,
    /// and the client learns what did not fit. If a method is set twice, the last one counts.
    ///
    /// ```
    /// # use signalr_upstream::Upstream;
    /// # fn example(upstream: Upstream) -> Upstream {
    /// upstream
    ///     .on("add", |_, (a, b): (i64, i64)| async move { Ok(a + b) })
    ///     .on("whoami", |caller, ()| async move { Ok(caller.user().cloned()) })
    /// # }
    /// ```
    #[must_use]
    pub fn on<A, R, F, Fut>(mut self, method: &str, handler: F) -> Self
    where
        A: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
        F: Fn(Context, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, MethodError>> + Send + 'static,
    {
        let name = method.to_lowercase();
        self.methods.retain(|(other, _)| *other != name);
        self.methods.push((name, Method::typed(handler)));
        self
    }

    /// The function itself, for a router with several functions. One of its paths is the default
    /// path of asrs-emulator.
    pub fn function(&self) -> Function {
        Function::open("upstream", handle, Arc::new(self.clone())).also_at(WEBHOOK)
    }

    fn check_caller(&self, connection: &ConnectionId, request: &Parts) -> Result<(), Problem> {
        if self.keys.have_signed(connection, &request.headers) {
            return Ok(());
        }
        let (status, problem) = match &self.function_keys {
            Some(keys) => return keys.check(request),
            // Only the operator can correct this.
            None if self.keys.is_empty() => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "there is no access key to check signatures with; set FUNCTION_KEY, and put it into the URL that the service calls, as ?code=",
            ),
            None => (
                StatusCode::UNAUTHORIZED,
                "no signature in x-asrs-signature is by the service's key; check that the connection string is that of the service that called",
            ),
        };
        Err(Problem::new(status, problem))
    }

    async fn take(
        &self,
        request: &Parts,
        followed: Followed,
        body: &[u8],
    ) -> Result<Response, Problem> {
        let headers = &request.headers;
        let encoding = encoding::of(headers)?;
        let context = Context::of(headers, followed)?;
        let category = required(headers, &header::CATEGORY)?;
        let event = required(headers, &header::EVENT)?;
        self.check_caller(context.connection(), request)?;
        match (category.to_lowercase().as_str(), event.to_lowercase().as_str()) {
            ("connections", "connected") => match &self.connected {
                Some(handler) => connection_event(handler.call(context, ()).await),
                None => Ok(done()),
            },
            ("connections", "disconnected") => match &self.disconnected {
                Some(handler) => connection_event(handler.call(context, disconnected(body)?).await),
                None => Ok(done()),
            },
            ("messages", name) => match self.methods.iter().find(|(method, _)| method == name) {
                Some((_, method)) => invoke(method, context, encoding, event, body).await,
                None => Err(unknown(&format!("method '{}'", shorten(event)))),
            },
            _ => Err(unknown(&format!("event '{}' of '{}'", shorten(event), shorten(category)))),
        }
    }
}

async fn handle(
    State(upstream): State<Arc<Upstream>>,
    followed: Followed,
    request: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {BODY_LIMIT} bytes"),
        ),
        _ => Problem::bad_request("the body did not arrive whole"),
    })?;
    upstream.take(&request, followed, &body).await
}

/// The answer to an event that needs no result.
fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn connection_event(outcome: Result<(), MethodError>) -> Result<Response, Problem> {
    match outcome.map_err(MethodError::kind) {
        Ok(()) => Ok(done()),
        Err(Kind::Refused(reason)) => Err(Problem::new(StatusCode::FORBIDDEN, reason)),
        Err(Kind::Failed(problem)) => Err(problem),
    }
}

/// The reason for a disconnect, if its event has one.
fn disconnected(body: &[u8]) -> Result<Option<String>, Problem> {
    #[derive(Deserialize)]
    struct Disconnected {
        /// asrs-emulator writes it with a capital.
        #[serde(default, alias = "Error")]
        error: Option<String>,
    }
    serde_json::from_slice(body).map(|event: Disconnected| event.error).map_err(|error| {
        Problem::bad_request(format!("the body does not say how the connection ended: {error}"))
    })
}

async fn invoke(
    method: &Method,
    context: Context,
    encoding: Encoding,
    event: &str,
    body: &[u8],
) -> Result<Response, Problem> {
    let Invocation { id, target, arguments } =
        Invocation::parse(encoding, body).map_err(Problem::bad_request)?;
    if target.to_lowercase() != event.to_lowercase() {
        let (target, event) = (shorten(&target), shorten(event));
        return Err(Problem::bad_request(format!(
            "the body calls '{target}', but the header x-asrs-event says '{event}'"
        )));
    }
    let outcome = method.call(context, arguments).await.map_err(MethodError::kind);
    let completion = match (outcome, id) {
        (Ok(_), None) => return Ok(done()),
        (Ok(result), Some(id)) => encoding.completion_with_result(&id, &result),
        (Err(Kind::Refused(reason)), Some(id)) => encoding.completion_with_error(&id, &reason),
        // No client waits, so only the service learns of it.
        (Err(Kind::Refused(reason)), None) => return Err(Problem::bad_request(reason)),
        (Err(Kind::Failed(problem)), _) => return Err(problem),
    };
    Ok(([(CONTENT_TYPE, encoding::content_type(encoding))], completion).into_response())
}

fn unknown(what: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("nothing here handles the {what}"))
}

fn shorten(value: &str) -> String {
    value.chars().take(100).collect()
}
