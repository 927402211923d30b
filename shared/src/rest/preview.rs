//! A request that was not sent, for people to look at.

use std::fmt;

use serde::Serialize;

/// A request that was not sent. In place of a token it has `Bearer <hidden>`.
///
/// ```
/// # fn example(preview: signalr_serverless::rest::RequestPreview) {
/// println!("{preview}"); // POST http://localhost:8888/api/…
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestPreview {
    /// The HTTP method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Whether the request would have a token.
    #[serde(rename = "authorization", serialize_with = "hidden")]
    pub has_token: bool,
    /// The body, in JSON.
    pub body: Option<String>,
}

const HIDDEN: &str = "Bearer <hidden>";

fn hidden<S: serde::Serializer>(has_token: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    has_token.then_some(HIDDEN).serialize(serializer)
}

impl fmt::Display for RequestPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        if self.has_token {
            write!(f, "\nauthorization: {HIDDEN}")?;
        }
        match &self.body {
            Some(body) => write!(f, "\ncontent-type: application/json; charset=utf-8\n\n{body}"),
            None => Ok(()),
        }
    }
}
