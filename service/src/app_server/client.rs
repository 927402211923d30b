//! The data about a client that its app server gets.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use signalr_server_protocol::{Claims, ConnectionData, Extensions, Headers, OpenConnection};
use signalr_serverless::ConnectionId;

use super::{claims::with_long_names, link::AppLink, sticky::Sticky};

/// The name of this instance of the service. There is only one instance.
pub(crate) const INSTANCE_ID: &str = "signalr-serverless";

/// Headers that an app does not need: the token for the service, and the headers of the socket.
const OWN: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::UPGRADE,
    header::CONTENT_LENGTH,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_PROTOCOL,
];

/// A client for an app server.
#[derive(Debug)]
pub(crate) struct AppClient {
    claims: Claims,
    headers: Headers,
    query: String,
    pub(super) sticky: Sticky,
}

impl AppClient {
    /// Takes the claims of the client's token, the headers and the query of its request, and its
    /// address. The query must not contain secrets.
    pub(crate) fn new(
        claims: Vec<(String, String)>,
        headers: &HeaderMap,
        query: &str,
        address: Option<IpAddr>,
    ) -> Self {
        let sticky = Sticky::of(&claims);
        let is_diagnostic =
            claims.iter().any(|(name, value)| name == "asrs.s.dc" && value == "true");
        let headers = Headers(forwarded(headers, address, is_diagnostic));
        Self { claims: with_long_names(claims), headers, query: format!("?{query}"), sticky }
    }

    /// Notes the client's new claims.
    pub(crate) fn renew_claims(&mut self, claims: Vec<(String, String)>) {
        self.claims = with_long_names(claims);
    }

    /// The data for the server connection that gets the client, with the client's protocol and its
    /// first bytes.
    pub(crate) fn open(
        self,
        connection: &ConnectionId,
        protocol: &str,
        handshake: Bytes,
    ) -> OpenClient {
        let open = OpenConnection {
            connection_id: connection.to_string(),
            claims: self.claims,
            headers: self.headers,
            query: self.query,
            extensions: Extensions { protocol: Some(protocol.to_owned()), ..Extensions::default() },
        };
        OpenClient { open, handshake, sticky: self.sticky }
    }
}

/// The data that a server connection gets together with a client.
#[derive(Debug)]
pub(crate) struct OpenClient {
    open: OpenConnection,
    handshake: Bytes,
    pub(super) sticky: Sticky,
}

impl OpenClient {
    /// Notes the client's new claims.
    pub(crate) fn renew_claims(&mut self, claims: Vec<(String, String)>) {
        self.open.claims = with_long_names(claims);
    }

    /// Gives the client to a server connection. If the client comes from another app server, the
    /// new one gets the same handshake again, and its SDK does not send the answer to the client.
    pub(crate) fn give_to(&self, link: &AppLink, from: Option<&str>) {
        let mut open = self.open.clone();
        if let Some(from) = from {
            open.headers.0.push(("Asrs-Migrate-From".to_owned(), vec![from.to_owned()]));
        }
        let connection_id = open.connection_id.clone();
        link.queue.push(open);
        let (payload, extensions) = (self.handshake.clone(), Extensions::default());
        link.queue.push(ConnectionData { connection_id, payload, extensions });
    }
}

fn forwarded(
    headers: &HeaderMap,
    address: Option<IpAddr>,
    is_diagnostic: bool,
) -> Vec<(String, Vec<String>)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let kept =
        headers.keys().filter(|name| !OWN.contains(name) && !name.as_str().starts_with("asrs-"));
    let mut all: Vec<(String, Vec<String>)> = kept
        .map(|name| (name.to_string(), headers.get_all(name).iter().map(text).collect()))
        .collect();
    if let Some(address) = address.filter(|_| !headers.contains_key("x-forwarded-for")) {
        all.push(("X-Forwarded-For".to_owned(), vec![address.to_string()]));
    }
    all.push(("Asrs-Instance-Id".to_owned(), vec![INSTANCE_ID.to_owned()]));
    if is_diagnostic {
        all.push(("Asrs-Is-Diagnostic-Client".to_owned(), vec!["true".to_owned()]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_gets_the_headers_of_the_client_without_its_token() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("authorization", "Bearer x"), ("origin", "http://a"), ("asrs-migrate-from", "x")]
        {
            headers.insert(name, value.parse().unwrap());
        }
        let client = AppClient::new(Vec::new(), &headers, "hub=chat", "10.0.0.1".parse().ok());
        let open = client.open(&ConnectionId::parse("c").unwrap(), "json", Bytes::new()).open;
        assert_eq!(open.headers.get("Origin"), Some("http://a"));
        assert_eq!(open.headers.get("x-forwarded-for"), Some("10.0.0.1"));
        assert!(open.headers.get("Authorization").is_none());
        assert!(open.headers.get("Asrs-Migrate-From").is_none());
        assert_eq!(open.query, "?hub=chat");
    }
}
