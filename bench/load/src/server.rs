//! The server: where its clients connect, where messages are posted, and the tokens for both.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::{Duration, SystemTime},
};

use signalr_serverless::{
    AccessKey, ConnectionString, Credential, HubName, NegotiateOptions, Token,
};
use url::Url;

use crate::failure::Failure;

/// How long a load may use its tokens.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) client: Endpoint,
    publish: Option<Endpoint>,
    pub(crate) way: Way,
    /// How long each step may take.
    pub(crate) timeout: Duration,
}

/// How a client gets to its WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Straight, as stock clients with `skipNegotiation`.
    WebSocket,
    /// By a negotiation before, as stock clients by default.
    Negotiate,
}

/// A URL taken apart, and the token that it wants.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// The `host` header.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) token: Option<Token>,
    addresses: Vec<SocketAddr>,
}

impl Server {
    /// A service that the connection string names, Azure's or one that is like it.
    pub(crate) fn of_service(
        connection_string: &str,
        hub: &str,
        way: Way,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let service = ConnectionString::parse(connection_string)
            .map_err(|error| Failure::argument(format!("--service: {error}")))?;
        let hub =
            HubName::parse(hub).map_err(|error| Failure::argument(format!("--hub: {error}")))?;
        let Credential::AccessKey(key) = service.credential() else {
            return Err(Failure::argument(
                "--service: the connection string has no access key; use one with AccessKey=…",
            ));
        };
        let client_url = format!("{}/client/?hub={hub}", service.client_endpoint());
        let mut client = Endpoint::parse("--service", &client_url)?;
        client.token = Some(client_token(key, &client_url)?);
        let publish_url = format!("{}/api/v1/hubs/{hub}", service.server_endpoint());
        let mut publish = Endpoint::parse("--service", &publish_url)?;
        let token = Token::rest(key, &publish_url, TOKEN_LIFETIME, SystemTime::now());
        publish.token = Some(token.map_err(|error| Failure::argument(error.to_string()))?);
        Ok(Self { client, publish: Some(publish), way, timeout })
    }

    /// Any SignalR server whose hub is open to everybody.
    pub(crate) fn without_token(
        url: &str,
        publish: Option<&str>,
        way: Way,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let client = Endpoint::parse("--url", url)?;
        let publish = publish.map(|url| Endpoint::parse("--publish", url)).transpose()?;
        Ok(Self { client, publish, way, timeout })
    }

    pub(crate) fn can_publish(&self) -> bool {
        self.publish.is_some()
    }

    /// Where messages are posted. Only a plan without messages has no such place.
    pub(crate) fn publish(&self) -> Result<&Endpoint, Failure> {
        self.publish.as_ref().ok_or_else(|| Failure::argument("--publish is missing"))
    }
}

fn client_token(key: &AccessKey, url: &str) -> Result<Token, Failure> {
    let options = NegotiateOptions::default().with_lifetime(TOKEN_LIFETIME);
    Token::client(key, url, &options, SystemTime::now())
        .map_err(|error| Failure::argument(error.to_string()))
}

impl Endpoint {
    /// Takes a URL apart and looks its host up. `flag` is where the URL came from.
    pub(crate) fn parse(flag: &str, url: &str) -> Result<Self, Failure> {
        let wrong = |problem: &str| {
            Failure::argument(format!(
                "{flag}: '{url}' {problem}; use one such as http://127.0.0.1:5000/chat"
            ))
        };
        let parsed = Url::parse(url).map_err(|error| wrong(&format!("is no URL ({error})")))?;
        if !matches!(parsed.scheme(), "http" | "ws") {
            return Err(wrong("is neither http:// nor ws://, and a load has no TLS"));
        }
        let host = parsed.host_str().ok_or_else(|| wrong("has no host"))?;
        let port = parsed.port_or_known_default().ok_or_else(|| wrong("has no port"))?;
        let plain_host = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = (plain_host, port)
            .to_socket_addrs()
            .map_err(|error| wrong(&format!("names a host that is not found ({error})")))?
            .collect();
        let target = match parsed.query() {
            Some(query) => format!("{}?{query}", parsed.path()),
            None => parsed.path().to_owned(),
        };
        Ok(Self { authority: format!("{host}:{port}"), target, token: None, addresses })
    }

    /// The same server with another path and query.
    pub(crate) fn with_target(&self, target: String) -> Self {
        Self { target, ..self.clone() }
    }

    /// Path and query with `suffix` behind the path and `pair` behind the query.
    pub(crate) fn target_with(&self, suffix: &str, pair: &str) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        // `/client/` and `/client` are the same hub, as for stock clients.
        let path = if suffix.is_empty() { path } else { path.trim_end_matches('/') };
        let separator = if query.is_empty() || pair.is_empty() { "" } else { "&" };
        match [query, separator, pair].concat() {
            whole if whole.is_empty() => format!("{path}{suffix}"),
            whole => format!("{path}{suffix}?{whole}"),
        }
    }

    /// A socket. Each read and each write takes `timeout` at most.
    pub(crate) fn connect(&self, timeout: Duration) -> Result<TcpStream, Failure> {
        let mut last = None;
        for address in &self.addresses {
            match TcpStream::connect_timeout(address, timeout) {
                Ok(socket) => {
                    socket
                        .set_nodelay(true)
                        .and_then(|()| socket.set_read_timeout(Some(timeout)))
                        .and_then(|()| socket.set_write_timeout(Some(timeout)))
                        .map_err(|error| Failure::server(format!("{address}: {error}")))?;
                    return Ok(socket);
                }
                Err(error) => last = Some(format!("{address}: {error}")),
            }
        }
        let problem = last.unwrap_or_else(|| format!("{}: no address", self.authority));
        Err(Failure::server(format!("no connection to {problem}; is the server there?")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_put_together() {
        let endpoint = |url| Endpoint::parse("--url", url).unwrap();
        let hub = endpoint("http://127.0.0.1:1/hub");
        assert_eq!(hub.target_with("", ""), "/hub");
        assert_eq!(hub.target_with("", "id=a"), "/hub?id=a");
        assert_eq!(hub.target_with("/negotiate", "v=1"), "/hub/negotiate?v=1");
        let client = endpoint("ws://127.0.0.1:1/client/?hub=x");
        assert_eq!(client.target_with("", "id=a"), "/client/?hub=x&id=a");
        assert_eq!(client.target_with("/negotiate", "v=1"), "/client/negotiate?hub=x&v=1");
    }
}
