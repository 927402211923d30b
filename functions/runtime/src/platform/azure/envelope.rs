//! The invocation envelope: `{"Data","Metadata"}` in, `{"Outputs","Logs","ReturnValue"}` out.

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};
use url::Url;

use crate::call::path::{Mount, Place};

/// The HTTP trigger of the packaged functions, and their HTTP output. Data of a binding with
/// another name is never read as a request: a writer to a queue must not make calls.
const HTTP_TRIGGER: &str = "req";
const HTTP_OUTPUT: &str = "res";

/// The suffix of a function's folder if the route has a hub in front.
const WITH_HUB: &str = "-hub";
/// The only folder for a warm-up trigger, in upper or lower case. Source:
/// <https://learn.microsoft.com/azure/azure-functions/functions-bindings-warmup>
const WARMUP_FOLDER: &str = "warmup";

/// The headers that belong to the answer to the host itself.
const HOP_BY_HOP: [&str; 7] =
    ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// The host's envelope. Its data has the payload of each binding of the function, by name.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Envelope {
    data: BTreeMap<String, Box<RawValue>>,
    /// Required and not read: a body without it is not an envelope.
    #[serde(rename = "Metadata")]
    _metadata: Box<RawValue>,
}

/// The call that an envelope asks for.
pub(super) enum Call {
    Http(Box<Request>),
    /// A trigger's payload.
    Trigger(String),
    /// A new instance should get ready, and it is.
    Warmup,
}

/// The HTTP trigger's data.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HttpData {
    url: String,
    method: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Option<Value>,
}

impl Envelope {
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(body).map_err(|error| {
            format!(
                "a path without /api is for the host's envelopes, and this is none: {error}; keep the route prefix 'api'"
            )
        })
    }

    /// The call for the function in this folder. The functions in `without_triggers` take no
    /// triggers.
    ///
    /// # Errors
    ///
    /// A text that says what is wrong with the data, or that it is for another function.
    pub(super) fn call(self, folder: &str, without_triggers: &[&str]) -> Result<Call, String> {
        if let Some(data) = self.data.get(HTTP_TRIGGER) {
            let data: HttpData = serde_json::from_str(&unquoted(data.get())).map_err(|error| {
                format!("the envelope's {HTTP_TRIGGER} is not a request: {error}")
            })?;
            let request = data.into_request()?;
            check_function(folder, request.uri().path())?;
            return Ok(Call::Http(Box::new(request)));
        }
        if folder.eq_ignore_ascii_case(WARMUP_FOLDER) {
            return Ok(Call::Warmup);
        }
        if without_triggers.contains(&function_of(folder)) {
            return Err(format!(
                "the envelope has no {HTTP_TRIGGER}, and {folder} takes HTTP calls alone; give another trigger a folder of its own"
            ));
        }
        self.trigger()
    }

    fn trigger(self) -> Result<Call, String> {
        let names = || self.data.keys().cloned().collect::<Vec<_>>().join(", ");
        let mut data = self.data.values();
        match (data.next(), data.next()) {
            (Some(data), None) => Ok(Call::Trigger(data.get().to_owned())),
            (None, _) => Err("the envelope has no data; give the function a trigger".to_owned()),
            (Some(_), Some(_)) => Err(format!(
                "the envelope has data of {}; give the function a trigger and no other input",
                names()
            )),
        }
    }
}

/// Checks that the path names the folder's function. The host has checked that the caller may call
/// this function, and no other.
fn check_function(folder: &str, path: &str) -> Result<(), String> {
    let function = function_of(folder);
    match Mount::Api.locate(path) {
        Some(Place::Function { name, .. }) if name == function => Ok(()),
        _ => Err(format!("the envelope's Url does not name the function {function}")),
    }
}

fn function_of(folder: &str) -> &str {
    folder.strip_suffix(WITH_HUB).unwrap_or(folder)
}

/// Decodes data that some hosts encode as a string.
fn unquoted(data: &str) -> Cow<'_, str> {
    match serde_json::from_str::<String>(data) {
        Ok(text) => text.into(),
        Err(_) => data.into(),
    }
}

impl HttpData {
    /// The request as the caller sent it to the host.
    fn into_request(self) -> Result<Request, String> {
        let url =
            Url::parse(&self.url).map_err(|_| "the envelope's Url is not a URL".to_owned())?;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let uri: Uri =
            target.parse().map_err(|_| "the envelope's Url cannot be used".to_owned())?;
        let method: Method =
            self.method.parse().map_err(|_| "the envelope's Method is not a method".to_owned())?;
        let body = match self.body {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(json) => json.to_string(),
        };
        let mut request = Request::new(Body::from(body));
        *request.uri_mut() = uri;
        *request.method_mut() = method;
        *request.headers_mut() = headers(&self.headers)?;
        Ok(request)
    }
}

/// Headers as the host writes them: an array of values by name.
fn headers(data: &Map<String, Value>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, values) in data {
        let name: HeaderName =
            name.parse().map_err(|_| format!("the envelope has a header named '{name}'"))?;
        let values = match values {
            Value::Array(values) => values.iter().map(Value::as_str).collect(),
            value => vec![value.as_str()],
        };
        for value in values {
            let value = value.and_then(|value| HeaderValue::from_str(value).ok());
            let value =
                value.ok_or_else(|| format!("the envelope's header '{name}' is not text"))?;
            headers
                .try_append(name.clone(), value)
                .map_err(|_| "the envelope has too many headers")?;
        }
    }
    Ok(headers)
}

/// The answer to the host.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Outcome {
    outputs: Map<String, Value>,
    logs: Vec<String>,
    return_value: Value,
}

impl Outcome {
    pub(super) fn done() -> Self {
        Self { outputs: Map::new(), logs: Vec::new(), return_value: Value::Null }
    }

    /// The outcome of an HTTP answer. It has all members, because versions of the host read
    /// different ones.
    ///
    /// The body is a member of an object, because the host decodes a single string as base64 if it
    /// can.
    pub(super) async fn of_http(answer: Response) -> Self {
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let status = parts.status.as_str();
        let mut headers = Map::new();
        for name in parts.headers.keys().filter(|name| !HOP_BY_HOP.contains(&name.as_str())) {
            let values = parts.headers.get_all(name).iter();
            let values: Vec<_> =
                values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            headers.insert(name.to_string(), values.join(", ").into());
        }
        let outputs = Map::from_iter([(
            HTTP_OUTPUT.to_owned(),
            json!({
                "statusCode": status,
                "status": status,
                "body": String::from_utf8_lossy(&body),
                "headers": headers,
            }),
        )]);
        Self { outputs, ..Self::done() }
    }
}
