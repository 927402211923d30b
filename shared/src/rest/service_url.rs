//! The URL of the service, to which the paths of calls are appended.

use std::{borrow::Cow, sync::Arc};

use url::Url;

use super::path;
use crate::error::Error;

/// The URL of the service. It is parsed once, because to parse a host costs more than the rest of a
/// request.
#[derive(Clone, Debug)]
pub(super) struct ServiceUrl {
    url: Url,
    /// The path in front of the paths of calls, without a `/` at its end.
    prefix: String,
    host_and_port: Arc<str>,
}

impl ServiceUrl {
    pub(super) fn new(endpoint: &str) -> Self {
        #[expect(clippy::expect_used, reason = "the endpoint is part of a parsed URL")]
        let url = Url::parse(endpoint).expect("an endpoint is a URL");
        let prefix = url.path().trim_end_matches('/').to_owned();
        let host_and_port = host_and_port(&url).into();
        Self { url, prefix, host_and_port }
    }

    /// Host and port, as errors name the service.
    pub(super) fn host_and_port(&self) -> &Arc<str> {
        &self.host_and_port
    }

    /// The URL of a call. The path is percent-encoded already.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] for a URL that is too long.
    pub(super) fn of_call(
        &self,
        path: &str,
        query: &[(&'static str, Cow<'_, str>)],
    ) -> Result<Url, Error> {
        let mut url = self.url.clone();
        if self.prefix.is_empty() {
            url.set_path(path);
        } else {
            url.set_path(&format!("{}{path}", self.prefix));
        }
        let mut encoded = String::new();
        for (name, value) in query {
            if !encoded.is_empty() {
                encoded.push('&');
            }
            encoded.push_str(name);
            encoded.push('=');
            encoded.extend(path::encode(value));
        }
        url.set_query((!query.is_empty()).then_some(&encoded));
        check_length(url.as_str())?;
        Ok(url)
    }
}

/// Checks the length of a URL. The HTTP library accepts no longer one.
fn check_length(url: &str) -> Result<(), Error> {
    const LONGEST: usize = 65_534;
    if url.len() <= LONGEST {
        return Ok(());
    }
    Err(Error::InvalidValue {
        what: "URL of the call",
        problem: format!("has {} characters, more than {LONGEST}", url.len()),
        remedy: "name fewer connections or users, or use a shorter reason or filter",
    })
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_in_front_stays_in_front() {
        for (endpoint, url) in [
            ("http://localhost:8888", "http://localhost:8888/api/health"),
            ("https://gw.example/realtime", "https://gw.example/realtime/api/health"),
            ("http://[::1]:80", "http://[::1]/api/health"),
        ] {
            let call = ServiceUrl::new(endpoint).of_call("/api/health", &[]).unwrap();
            assert_eq!(call.as_str(), url);
        }
    }

    proptest! {
        #[test]
        fn a_url_in_parts_is_the_url_as_a_text(
            segment in any::<String>(),
            values in prop::collection::vec(any::<String>(), 0..3),
        ) {
            let path: String = ["/api/hubs/"].into_iter().chain(path::encode(&segment)).collect();
            prop_assume!(!matches!(segment.as_str(), "." | ".."));
            let query: Vec<_> = values.iter().map(|value| ("v", Cow::from(value))).collect();
            let mut text = format!("http://127.0.0.1:1/x{path}");
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index == 0 { "?v=" } else { "&v=" });
                text.extend(path::encode(value));
            }
            let call = ServiceUrl::new("http://127.0.0.1:1/x").of_call(&path, &query).unwrap();
            prop_assert_eq!(call, Url::parse(&text).unwrap());
        }
    }
}
