//! The server: the URL where its clients connect, the URLs where messages are posted, and the tokens
//! for both.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::{Duration, SystemTime},
};

use clap::ValueEnum;
use signalr_serverless::{
    AccessKey, ConnectionString, Credential, HubName, NegotiateOptions, Token, UserId,
};
use url::Url;

use crate::{
    dialect::Dialect,
    failure::Failure,
    recipients::{Recipients, user_of},
};

/// How long a load may use its tokens.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(crate) struct Server {
    /// Where clients connect, in turns.
    nodes: Vec<Node>,
    /// Where messages go, in turns.
    publish: Vec<Endpoint>,
    pub(crate) ways: Ways,
}

#[derive(Debug)]
struct Node {
    client: Endpoint,
    /// Signs the tokens of the clients. `None` if the hub needs no token.
    signer: Option<Signer>,
}

/// Signs a token for each client, because the clients of an app have tokens of their own.
#[derive(Debug)]
struct Signer {
    key: AccessKey,
    url: String,
    /// Whether each client is a user.
    of_users: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    #[default]
    #[value(name = "websocket")]
    WebSocket,
    /// Server-sent events
    Events,
    /// Long polling
    Polls,
}

/// The way in which clients connect to a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    /// Whether clients negotiate first, as stock clients do by default. Only a WebSocket works without
    /// negotiation.
    pub(crate) negotiates: bool,
    pub(crate) transport: Transport,
    pub(crate) dialect: Dialect,
    /// How long each step may take.
    pub(crate) timeout: Duration,
}

/// The parts of a URL, and the token for it.
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
    /// A service like Azure's: where its clients connect, and where messages are posted.
    pub(crate) fn of_service(
        nodes: &[String],
        callers_at: &str,
        hub: &str,
        recipients: Recipients,
        ways: Ways,
    ) -> Result<Self, Failure> {
        let hub =
            HubName::parse(hub).map_err(|error| Failure::argument(format!("--hub: {error}")))?;
        let nodes = nodes.iter().map(|node| Node::of_service(node, &hub, recipients));
        let nodes = nodes.collect::<Result<_, Failure>>()?;
        let (service, key) = service_and_key("--callers-at", callers_at)?;
        let hub_url = format!("{}/api/v1/hubs/{hub}", service.server_endpoint());
        let hub = Endpoint::parse("--callers-at", &hub_url)?;
        let publish = recipients.paths().map(|path| {
            let token = rest_token(&key, &format!("{hub_url}{path}"))?;
            let target = format!("{}{path}", hub.target);
            Ok(Endpoint { token: Some(token), ..hub.with_target(target) })
        });
        let publish = publish.collect::<Result<_, Failure>>()?;
        Ok(Self { nodes, publish, ways })
    }

    /// A SignalR server whose hub needs no token.
    pub(crate) fn without_token(
        url: &str,
        publish: Option<&str>,
        ways: Ways,
    ) -> Result<Self, Failure> {
        let client = Endpoint::parse("--url", url)?;
        let publish = publish.map(|url| Endpoint::parse("--publish", url)).transpose()?;
        let nodes = vec![Node { client, signer: None }];
        Ok(Self { nodes, publish: publish.into_iter().collect(), ways })
    }

    pub(crate) fn can_publish(&self) -> bool {
        !self.publish.is_empty()
    }

    /// The URL where the message with this number is posted. Only a plan without messages has no such
    /// URL.
    pub(crate) fn publish(&self, sequence: u64) -> Result<&Endpoint, Failure> {
        let turn = sequence.checked_rem(self.publish.len() as u64).unwrap_or_default();
        self.publish.get(turn as usize).ok_or_else(|| Failure::argument("--publish is missing"))
    }

    /// The URL where the client with this number connects.
    pub(crate) fn client(&self, number: usize) -> Result<Endpoint, Failure> {
        let turn = number.checked_rem(self.nodes.len()).unwrap_or_default();
        let node = self.nodes.get(turn).ok_or_else(|| Failure::argument("--service is missing"))?;
        let mut client = node.client.clone();
        if let Some(signer) = &node.signer {
            client.token = Some(signer.sign(number)?);
        }
        Ok(client)
    }

    /// The URL whose PUT makes the user with this number a member of a group.
    pub(crate) fn join(&self, group: &str, number: usize) -> Result<Endpoint, Failure> {
        let signer = self.nodes.first().and_then(|node| node.signer.as_ref());
        let Some(Signer { key, .. }) = signer.filter(|signer| signer.of_users) else {
            return Err(Failure::argument(
                "only a --service has groups that users can be put into",
            ));
        };
        let some = self.publish(0)?;
        // The path of the hub ends before `/groups/`.
        let hub = some.target.split("/groups/").next().unwrap_or_default();
        let target = format!("{hub}/groups/{group}/users/{}", user_of(number));
        let token = rest_token(key, &format!("http://{}{target}", some.authority))?;
        Ok(Endpoint { token: Some(token), ..some.with_target(target) })
    }
}

impl Node {
    fn of_service(text: &str, hub: &HubName, recipients: Recipients) -> Result<Self, Failure> {
        let (service, key) = service_and_key("--service", text)?;
        let url = format!("{}/client/?hub={hub}", service.client_endpoint());
        let client = Endpoint::parse("--service", &url)?;
        let signer = Signer { key, url, of_users: recipients != Recipients::All };
        Ok(Self { client, signer: Some(signer) })
    }
}

impl Signer {
    /// The token of the client with this number.
    fn sign(&self, number: usize) -> Result<Token, Failure> {
        let options = NegotiateOptions::default().with_lifetime(TOKEN_LIFETIME);
        let options = match self.of_users {
            true => {
                let user = UserId::parse(&user_of(number));
                options.with_user_id(user.map_err(|error| Failure::argument(error.to_string()))?)
            }
            false => options.with_claim("client", number.to_string()),
        };
        Token::client(&self.key, &self.url, &options, SystemTime::now())
            .map_err(|error| Failure::argument(error.to_string()))
    }
}

fn service_and_key(flag: &str, text: &str) -> Result<(ConnectionString, AccessKey), Failure> {
    let service = ConnectionString::parse(text)
        .map_err(|error| Failure::argument(format!("{flag}: {error}")))?;
    let Credential::AccessKey(key) = service.credential() else {
        return Err(Failure::argument(format!(
            "{flag}: the connection string has no access key; use one with AccessKey=…"
        )));
    };
    let key = key.clone();
    Ok((service, key))
}

fn rest_token(key: &AccessKey, url: &str) -> Result<Token, Failure> {
    Token::rest(key, url, TOKEN_LIFETIME, SystemTime::now())
        .map_err(|error| Failure::argument(error.to_string()))
}

impl Endpoint {
    /// Parses a URL and looks its host up. `flag` names the flag of the URL, for errors.
    pub(crate) fn parse(flag: &str, url: &str) -> Result<Self, Failure> {
        let wrong = |problem: &str| {
            Failure::argument(format!(
                "{flag}: '{url}' {problem}; use one such as http://127.0.0.1:5000/chat"
            ))
        };
        let parsed = Url::parse(url).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
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

    /// The same server and token with another path and query.
    pub(crate) fn with_target(&self, target: String) -> Self {
        Self { target, ..self.clone() }
    }

    /// Path and query, with `suffix` after the path and `pair` after the query.
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

    /// Opens a socket. Each read and each write may take at most `timeout`.
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
