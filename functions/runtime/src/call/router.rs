//! Routes a call from its path to its handler: path, method, caller, hub, then the function.

use std::{convert::Infallible, fmt, ops::ControlFlow, sync::Arc};

use axum::{
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use signalr_traces::Step;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::cors::Cors;
use tracing::Instrument;

#[cfg(feature = "lambda")]
use crate::call::path::OwnPath;
use crate::{
    call::{
        event_grid,
        followed::Followed,
        function::{BODY_LIMIT, Function},
        hubs::Hubs,
        log,
        path::{Mount, Place},
        problem::{Failure, Problem},
        trigger::Trigger,
    },
    config::{Config, listen::Listen, variable},
};

/// Makes the service of functions, together with `GET /`, CORS and the errors of bad calls.
pub(crate) fn service(
    config: &Config,
    functions: Vec<Function>,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let mount = match config.listen {
        Listen::Lambda => Mount::Suffix,
        Listen::Azure { .. } | Listen::Local { .. } => Mount::Api,
    };
    let app = Arc::new(App { mount, hubs: config.hubs.clone(), functions });
    let dispatching = Arc::clone(&app);
    // This is one service. Layers of the router would be copied for each call, with everything below them.
    let calls = config.origins.layer().layer(service_fn(move |request| {
        let app = Arc::clone(&dispatching);
        async move { Ok::<_, Infallible>(dispatch(app, request).await) }
    }));
    // The router copies this service several times for each call. Only the last copy is used.
    let calls = Arc::new(calls);
    service_fn(move |request: Request| {
        let (app, calls) = (Arc::clone(&app), Arc::clone(&calls));
        async move {
            // This comes before CORS, which answers every OPTIONS.
            match app.answer_handshake(request) {
                ControlFlow::Break(answer) => Ok(answer),
                ControlFlow::Continue(request) => Cors::clone(&calls).oneshot(request).await,
            }
        }
    })
}

struct App {
    mount: Mount,
    hubs: Hubs,
    functions: Vec<Function>,
}

/// Answers a call, and logs it if it fails without the caller's fault. Calls of a trigger are not
/// logged here: the platform's side of the trigger reports their failures.
async fn dispatch(app: Arc<App>, mut request: Request) -> Response {
    DefaultBodyLimit::max(BODY_LIMIT).apply(&mut request);
    let is_call = request.extensions().get::<Trigger>().is_none();
    let call = Called::by(&request);
    let step = Step::serve(&NameAt(&app, path_of(&request)), request.headers());
    let followed = Followed::of(request.headers()).within(&step);
    step.note_text("signalr.request_id", followed.request_id().unwrap_or_default());
    request.extensions_mut().insert(followed.clone());
    let span = step.span().in_scope(|| log::span(&followed));
    let answer = answer(&app, request).instrument(span.clone()).instrument(step.span()).await;
    let answer = answer.unwrap_or_else(IntoResponse::into_response);
    step.note("http.response.status_code", answer.status().as_u16().into());
    if answer.status().is_server_error() {
        step.fail();
    }
    span.in_scope(|| {
        log::answered(&call, answer.status().as_u16(), followed.is_followed());
        if let Some(Failure(reason)) = answer.extensions().get().filter(|_| is_call) {
            log::failed(&call.to_string(), reason);
        }
    });
    answer
}

/// The method and the path of a call. It becomes text only if it is logged.
struct Called {
    method: Method,
    uri: Uri,
    #[cfg(feature = "lambda")]
    own_path: Option<OwnPath>,
}

impl Called {
    fn by(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            #[cfg(feature = "lambda")]
            own_path: request.extensions().get().cloned(),
        }
    }

    fn path(&self) -> &str {
        #[cfg(feature = "lambda")]
        if let Some(OwnPath(path)) = &self.own_path {
            return path;
        }
        self.uri.path()
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path())
    }
}

/// The name of the function at a path, or a placeholder if there is none. It is looked up only if a
/// trace asks for it.
struct NameAt<'a>(&'a App, &'a str);

impl fmt::Debug for NameAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.locate(self.1) {
            Some(Located::Function(function, _) | Located::WithoutHub(function)) => function.name,
            Some(Located::Root) => "ready",
            None => "nothing",
        })
    }
}

/// The path that names the function, without the platform's prefix.
fn path_of(request: &Request) -> &str {
    #[cfg(feature = "lambda")]
    if let Some(OwnPath(path)) = request.extensions().get() {
        return path;
    }
    request.uri().path()
}

async fn answer(app: &App, request: Request) -> Result<Response, Problem> {
    if let Some(trigger) = request.extensions().get().copied() {
        return app.trigger(trigger, request).await;
    }
    let path = path_of(&request).to_owned();
    let (mut parts, body) = request.into_parts();
    let Some(place) = app.locate(&path) else { return Err(app.unknown_path(&path)) };
    let (function, hub) = match place {
        Located::Root => return ready(&parts.method),
        Located::Function(function, hub) => (function, Some(hub)),
        Located::WithoutHub(function) => (function, None),
    };
    if parts.method != Method::POST {
        let detail = format!("{} is called by POST, not {}", function.name, parts.method);
        return Err(Problem::method_not_allowed("POST", detail));
    }
    if let Some(authorization) = &function.authorization {
        authorization.check(&parts)?;
    }
    if let Some(hub) = hub {
        parts.extensions.insert(app.hubs.find(hub)?);
    }
    let brings_events = function.on_trigger.is_some() && event_grid::is_delivery(&parts.headers);
    let request = Request::from_parts(parts, body);
    if brings_events {
        return event_grid::deliver(function, request).await;
    }
    function.call(request).await
}

/// The target of a path.
enum Located<'a> {
    Root,
    /// The function, and the segment that names the hub.
    Function(&'a Function, Option<&'a str>),
    WithoutHub(&'a Function),
}

impl App {
    /// Event Grid asks by OPTIONS whether a function wants its events. Any other call goes on.
    fn answer_handshake(&self, request: Request) -> ControlFlow<Response, Request> {
        if !event_grid::is_handshake(&request) {
            return ControlFlow::Continue(request);
        }
        let path = path_of(&request).to_owned();
        let authorization = match self.locate(&path) {
            Some(Located::Function(function, _)) if function.on_trigger.is_some() => {
                function.authorization.as_ref()
            }
            _ => return ControlFlow::Continue(request),
        };
        let (parts, _) = request.into_parts();
        ControlFlow::Break(match authorization.map(|authorization| authorization.check(&parts)) {
            Some(Err(problem)) => problem.into_response(),
            Some(Ok(())) | None => event_grid::accept_handshake(&parts.headers),
        })
    }

    fn locate<'a>(&'a self, path: &'a str) -> Option<Located<'a>> {
        let mut functions = self.functions.iter();
        if let Some(function) = functions.clone().find(|function| function.is_also_at(path)) {
            return Some(Located::WithoutHub(function));
        }
        Some(match self.mount.locate(path)? {
            Place::Root => Located::Root,
            Place::Function { hub, name } => {
                Located::Function(functions.find(|function| function.name == name)?, hub)
            }
        })
    }

    async fn trigger(&self, trigger: Trigger, mut request: Request) -> Result<Response, Problem> {
        let taken = self.functions.iter().find_map(|function| {
            let on_trigger = function.on_trigger.as_ref()?;
            Some((function, on_trigger))
        });
        let Some((function, on_trigger)) = taken else {
            // If a schedule calls such a function, it only keeps the function warm.
            if trigger == Trigger::Timer {
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
            return Err(Problem::bad_request("only broadcast takes events that are not HTTP"));
        };
        if trigger == Trigger::Timer {
            let body = on_trigger.timer_body.clone().ok_or_else(|| {
                let name = variable::TIMER_MESSAGE.name;
                let detail = format!("a timer called, and {name} is not set; set it to a message");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            })?;
            *request.body_mut() = body.into();
        }
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        request.extensions_mut().insert(self.hubs.find(None)?);
        function.call(request).await
    }

    fn unknown_path(&self, path: &str) -> Problem {
        let names: Vec<_> = self.functions.iter().map(|function| function.name).collect();
        let shown: String = path.chars().take(100).collect();
        Problem::new(
            StatusCode::NOT_FOUND,
            format!(
                "there is nothing at '{shown}'; use /api/{{function}} or /api/{{hub}}/{{function}}, with the function {}",
                names.join(" or ")
            ),
        )
    }
}

/// Answers `/`, which hosts call to see whether the app is up.
fn ready(method: &Method) -> Result<Response, Problem> {
    if [Method::GET, Method::HEAD].contains(method) {
        return Ok("ready\n".into_response());
    }
    let detail = format!("/ answers GET, not {method}");
    Err(Problem::method_not_allowed("GET, HEAD", detail))
}

#[cfg(test)]
mod tests;
