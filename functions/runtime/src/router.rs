//! One call, from its path to its handler: path, method, caller, hub, then the function.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    handler::Handler,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::{
    authorization::Authorization,
    config::{Config, Listen},
    hubs::Hubs,
    path::{Mount, Place},
    problem::Problem,
};

/// The longest body that is taken, in bytes: what the service takes in one request.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// A function: a name, a handler of POST, and who may call it.
///
/// The handler finds the hub of the call as [`HubName`](signalr_serverless::HubName) among the
/// request's extensions.
#[derive(Clone, Debug)]
pub struct Function {
    name: &'static str,
    authorization: Option<Authorization>,
    handler: BoxCloneSyncService<Request, Response, Infallible>,
}

impl Function {
    /// A function that everyone may call.
    pub fn open<T: 'static, S>(name: &'static str, handler: impl Handler<T, S>, state: S) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let handler = BoxCloneSyncService::new(handler.with_state(state));
        Self { name, authorization: None, handler }
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
}

/// Puts functions behind their paths, together with `GET /`, CORS and the errors of bad calls.
pub fn router(config: &Config, functions: impl IntoIterator<Item = Function>) -> Router {
    let mount = match config.listen {
        Listen::Lambda => Mount::Suffix,
        Listen::Azure { .. } | Listen::Local { .. } => Mount::Api,
    };
    let functions = functions.into_iter().collect();
    let app = Arc::new(App { mount, hubs: config.hubs.clone(), functions });
    Router::new()
        .fallback(dispatch)
        .with_state(app)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(config.origins.layer())
}

struct App {
    mount: Mount,
    hubs: Hubs,
    functions: Vec<Function>,
}

async fn dispatch(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    #[cfg(feature = "lambda")]
    let path = crate::lambda::path_without_stage(parts.uri.path(), &parts.extensions);
    #[cfg(not(feature = "lambda"))]
    let path = parts.uri.path();

    let (hub, name) = match app.mount.locate(path) {
        Some(Place::Root) => return ready(&parts.method),
        Some(Place::Function { hub, name }) => (hub, name),
        None => return Err(app.unknown_path(path)),
    };
    let function = app
        .functions
        .iter()
        .find(|function| function.name == name)
        .ok_or_else(|| app.unknown_path(path))?;
    if parts.method != Method::POST {
        let detail = format!("{name} is called by POST, not {}", parts.method);
        return Err(Problem::method_not_allowed("POST", detail));
    }
    if let Some(authorization) = &function.authorization {
        authorization.check(&parts)?;
    }
    let hub = app.hubs.find(hub)?;
    parts.extensions.insert(hub);

    let handler = function.handler.clone();
    match handler.oneshot(Request::from_parts(parts, body)).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}

impl App {
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
