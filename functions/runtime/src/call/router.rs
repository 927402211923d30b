//! One call, from its path to its handler: path, method, caller, hub, then the function.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};

use crate::{
    call::{
        event_grid,
        function::{BODY_LIMIT, Function},
        hubs::Hubs,
        log,
        path::{Mount, Place},
        problem::{Failure, Problem},
        trigger::Trigger,
    },
    config::{Config, listen::Listen, variable},
};

/// Puts functions behind their paths, together with `GET /`, CORS and the errors of bad calls.
pub(crate) fn router(config: &Config, functions: Vec<Function>) -> Router {
    let mount = match config.listen {
        Listen::Lambda => Mount::Suffix,
        Listen::Azure { .. } | Listen::Local { .. } => Mount::Api,
    };
    let app = Arc::new(App { mount, hubs: config.hubs.clone(), functions });
    Router::new()
        .fallback(dispatch)
        .with_state(Arc::clone(&app))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(config.origins.layer())
        // Before CORS, which answers every OPTIONS.
        .layer(from_fn_with_state(app, answer_handshake))
}

/// Event Grid asks by OPTIONS whether a function wants its events.
async fn answer_handshake(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !event_grid::is_handshake(&request) {
        return next.run(request).await;
    }
    let path = path_of(&request).to_owned();
    let Some(Located::Function(function, _)) = app.locate(&path) else {
        return next.run(request).await;
    };
    if function.on_trigger.is_none() {
        return next.run(request).await;
    }
    let (parts, _) = request.into_parts();
    match function.authorization.as_ref().map(|authorization| authorization.check(&parts)) {
        Some(Err(problem)) => problem.into_response(),
        Some(Ok(())) | None => event_grid::accept_handshake(&parts.headers),
    }
}

struct App {
    mount: Mount,
    hubs: Hubs,
    functions: Vec<Function>,
}

/// The log has the calls that fail without the caller's fault. What comes from a trigger is not
/// among them: the platform's side of the trigger reports all its failures.
async fn dispatch(State(app): State<Arc<App>>, request: Request) -> Response {
    let is_call = request.extensions().get::<Trigger>().is_none();
    let call = format!("{} {}", request.method(), path_of(&request));
    let answer = answer(&app, request).await.unwrap_or_else(IntoResponse::into_response);
    if let Some(Failure(reason)) = answer.extensions().get().filter(|_| is_call) {
        log::failed(&call, reason);
    }
    answer
}

/// The path that names the function, without what a platform put in front.
fn path_of(request: &Request) -> &str {
    #[cfg(feature = "lambda")]
    if let Some(super::path::OwnPath(path)) = request.extensions().get() {
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

/// What is at a path.
enum Located<'a> {
    Root,
    /// The function, and the segment that names the hub.
    Function(&'a Function, Option<&'a str>),
    WithoutHub(&'a Function),
}

impl App {
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
            // A schedule that calls such a function keeps it warm.
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

/// Hosts ask for `/` to see whether the app is up.
fn ready(method: &Method) -> Result<Response, Problem> {
    if [Method::GET, Method::HEAD].contains(method) {
        return Ok("ready\n".into_response());
    }
    let detail = format!("/ answers GET, not {method}");
    Err(Problem::method_not_allowed("GET, HEAD", detail))
}

#[cfg(test)]
mod tests;
