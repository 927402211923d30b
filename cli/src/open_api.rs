//! `signalr openapi`: the description of the service's REST API.

use std::ffi::OsString;

use clap::Args;
use serde_json::Value;
use signalr_http_client::cause;

use crate::{
    access::{OutputFlags, ServiceFlags},
    failure::Failure,
    print,
};

/// The paths of descriptions: ours first, then Azure's.
const PATHS: [&str; 2] = ["/api/openapi.json", "/api/swagger.json"];
/// The largest description that is read.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Print the OpenAPI description of the service's REST API
#[derive(Args, Debug)]
pub(crate) struct OpenApi {
    #[command(flatten)]
    service: ServiceFlags,

    #[command(flatten)]
    output: OutputFlags,
}

impl OpenApi {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let access = self.service.access(self.output, environment)?;
        let endpoint = access.service.server_endpoint();
        if self.output.dry_run {
            let url = format!("{endpoint}{}", PATHS[0]);
            let json = serde_json::json!({ "method": "GET", "url": url, "authorization": null, "body": null });
            return access.print(&json, &format!("GET {url}"));
        }
        let http = self.service.http_client()?;
        let mut last = String::new();
        for path in PATHS {
            let url = format!("{endpoint}{path}");
            let unreachable = |error: signalr_http_client::RequestError| {
                Failure::Unreachable(format!(
                    "cannot read {url}: {}; check that the service is up",
                    cause(&error)
                ))
            };
            let mut response = http.get(&url).send().await.map_err(unreachable)?;
            let status = response.status();
            if !status.is_success() {
                last = format!("{url} answered {status}; the service has no description there");
                continue;
            }
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await.map_err(unreachable)? {
                body.extend_from_slice(&piece);
                if body.len() > MOST_BYTES {
                    return Err(Failure::Service(format!(
                        "{url} answers with more than {MOST_BYTES} bytes"
                    )));
                }
            }
            let description: Value = serde_json::from_slice(&body).map_err(|error| {
                Failure::Service(format!("{url} answers with no JSON: {error}"))
            })?;
            return print::json(&description);
        }
        Err(Failure::NotFound(last))
    }
}
