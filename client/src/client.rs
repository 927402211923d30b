//! The choices for connecting to a hub.

use std::{fmt, sync::Arc, time::Duration};

use signalr_http_client::Trust;
use url::Url;

use crate::{
    connection::Connection, driver, encoding::Protocol, error::ConnectError, event::Events, open,
    options::Options, reconnect::Reconnect, token::Token, transport::kind::Kind,
};

/// How to connect to a hub. Each choice has a default; [`connect`](Self::connect) connects.
///
/// ```no_run
/// # async fn example() -> Result<(), signalr_client::ConnectError> {
/// use signalr_client::{Client, Protocol, Reconnect, Transport};
///
/// let (connection, events) = Client::new("http://localhost:7071/api/chat?user=ann")?
///     .with_protocol(Protocol::MessagePack)
///     .with_transports([Transport::WebSockets])
///     .with_reconnect(Reconnect::default())
///     .with_stateful_reconnect()
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Options);

impl Client {
    /// Makes a client of the hub at this URL: the URL of a negotiate function without `/negotiate`, or
    /// of a hub.
    ///
    /// # Errors
    ///
    /// [`ConnectError::InvalidUrl`] if it is not a URL with `http` or `https`.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        let wrong = |problem: String| ConnectError::InvalidUrl { url: url.to_owned(), problem };
        let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(wrong("it begins with neither http:// nor https://".to_owned()));
        }
        Ok(Self(Options {
            url: parsed,
            protocol: Protocol::default(),
            transports: Kind::ALL.to_vec(),
            token: Token::None,
            reconnect: None,
            is_stateful: false,
            negotiates: true,
            connect_limit: Duration::from_secs(15),
            keep_alive: Duration::from_secs(15),
            server_timeout: Duration::from_secs(30),
            max_message: 16 * 1024 * 1024,
            queued_events: 64,
            trust: Trust::default(),
            http: None,
        }))
    }

    /// Chooses the encoding of messages. JSON by default.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.0.protocol = protocol;
        self
    }

    /// Uses these transports only. By default all three, in the server's order.
    #[must_use]
    pub fn with_transports(mut self, transports: impl IntoIterator<Item = Kind>) -> Self {
        self.0.transports = transports.into_iter().collect();
        self
    }

    /// Sends this token. The server may redirect the client and give it another token.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<Arc<str>>) -> Self {
        self.0.token = Token::Fixed(token.into());
        self
    }

    /// Asks `source` for a token each time that a connection is made, so that no token is too old.
    /// The text of an error must hold no secret.
    ///
    /// ```
    /// # fn sign() -> String { String::new() }
    /// let client = signalr_client::Client::new("http://localhost:8888/client/?hub=chat")?
    ///     .with_token_source(|| async { Ok(sign()) });
    /// # Ok::<(), signalr_client::ConnectError>(())
    /// ```
    #[must_use]
    pub fn with_token_source<F>(mut self, source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, String>> + Send + 'static,
    {
        self.0.token = Token::From(Arc::new(move || Box::pin(source())));
        self
    }

    /// Connects again after the connection was lost. Without this the connection ends.
    #[must_use]
    pub fn with_reconnect(mut self, reconnect: Reconnect) -> Self {
        self.0.reconnect = Some(reconnect);
        self
    }

    /// Continues the same connection if only its transport broke, so that no message is lost. This
    /// needs WebSockets and a server with stateful reconnect.
    #[must_use]
    pub fn with_stateful_reconnect(mut self) -> Self {
        self.0.is_stateful = true;
        self
    }

    /// Opens the WebSocket directly, without a negotiation. The connection then has no id.
    #[must_use]
    pub fn without_negotiation(mut self) -> Self {
        self.0.negotiates = false;
        self
    }

    /// How long connecting may take, from the negotiation to the end of the handshake. 15 seconds by
    /// default.
    #[must_use]
    pub fn with_connect_limit(mut self, limit: Duration) -> Self {
        self.0.connect_limit = limit;
        self
    }

    /// Sends a ping if nothing was sent for this long. 15 seconds by default.
    #[must_use]
    pub fn with_keep_alive(mut self, interval: Duration) -> Self {
        self.0.keep_alive = interval;
        self
    }

    /// Treats the connection as lost if nothing arrived for this long. 30 seconds by default. Long
    /// polling has no pings and therefore no such limit.
    #[must_use]
    pub fn with_server_timeout(mut self, limit: Duration) -> Self {
        self.0.server_timeout = limit;
        self
    }

    /// The most bytes of one message from the server. 16 MiB by default. A longer message ends the
    /// connection.
    #[must_use]
    pub fn with_max_message(mut self, bytes: usize) -> Self {
        self.0.max_message = bytes;
        self
    }

    /// How many events may wait for the program. If this many wait, the connection reads no more.
    /// 64 by default, and at least 1.
    #[must_use]
    pub fn with_queued_events(mut self, events: usize) -> Self {
        self.0.queued_events = events.max(1);
        self
    }

    /// Trusts these authorities, in TLS of HTTP and of WebSockets.
    #[must_use]
    pub fn with_trust(mut self, trust: Trust) -> Self {
        self.0.trust = trust;
        self
    }

    /// Makes HTTP requests with this HTTP client, for example one that thousands of connections
    /// share.
    #[must_use]
    pub fn with_http_client(mut self, http: reqwest::Client) -> Self {
        self.0.http = Some(http);
        self
    }

    /// Connects. [`Events`] has everything that arrives. The connection ends if it is closed or if
    /// the last clone of [`Connection`] is dropped.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]. There is no second attempt, even after
    /// [`with_reconnect`](Self::with_reconnect).
    pub async fn connect(mut self) -> Result<(Connection, Events), ConnectError> {
        self.check()?;
        if self.0.http.is_none() {
            self.0.http = Some(signalr_http_client::client(&self.0.trust)?);
        }
        let opened = open::open(&self.0).await?;
        Ok(driver::start(self.0, opened))
    }

    fn check(&self) -> Result<(), ConnectError> {
        let only_web_sockets = self.0.transports == [Kind::WebSockets];
        if self.0.transports.is_empty() {
            return Err(ConnectError::InvalidChoice(
                "no transport may be used; choose at least one",
            ));
        }
        if !self.0.negotiates && !only_web_sockets {
            return Err(ConnectError::InvalidChoice(
                "without a negotiation there are only WebSockets; choose no other transport",
            ));
        }
        if self.0.protocol == Protocol::MessagePack && self.0.transports == [Kind::ServerSentEvents]
        {
            return Err(ConnectError::InvalidChoice(
                "server-sent events carry text only; use JSON with them",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query may contain a user's secret.
        f.debug_struct("Client")
            .field("host", &self.0.url.host_str())
            .field("path", &self.0.url.path())
            .field("protocol", &self.0.protocol)
            .field("transports", &self.0.transports)
            .field("token", &self.0.token)
            .field("reconnect", &self.0.reconnect)
            .finish_non_exhaustive()
    }
}
