//! The common part of all requests to the client endpoint: a hub, a token, and errors as text.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use signalr_http_server::SocketPlace;
use signalr_serverless::{ConnectionId, HubName, UserId, token::Claims};
use tokio::time::Instant;

use super::headers;
use crate::{
    admission::{Full, Place},
    app_server::{AppClient, NO_SERVER, NO_SERVER_STATUS, Serving},
    auth::{self, AuthError, TokenUse, VerifiedClient},
    broker::Down,
    carrier::{Transport, Transports},
    hub::{Refused as NotCarriedOut, Stopping, work::TokenTime},
    identity::Identity,
    login::{self, Claim},
    query::Query,
    random_id::random_id,
    refused::Refused,
    request_body::BodyError,
    session::Terms,
    state::State,
    tokens::ClaimError,
    upstream::{self, Caller},
};

/// How many seconds a client should wait if it is refused for now. By then there may be a free
/// place, or another service may have replaced one that is ending.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// A client with a checked token.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) hub: HubName,
    pub(crate) user: Option<UserId>,
    pub(crate) terms: Terms,
    /// The transports that the token allows.
    pub(crate) transports: Transports,
    pub(crate) query: Query,
    /// For how long the access token has been expired, if it has expired.
    expired: Option<Duration>,
    /// When the login of the token ends, in seconds since 1970.
    pub(super) login_end: Option<u64>,
    token_claims: Arc<Claims>,
    /// The query without secrets. Only an upstream gets it.
    forwarded_query: Option<String>,
    /// The data about the client for its app server. Only an app server gets it.
    app: Option<Box<AppClient>>,
    serving: Serving,
    socket: Option<Arc<SocketPlace>>,
    /// The address of the caller, if a trusted proxy names it.
    forwarded_caller: Option<IpAddr>,
}

/// The reason for refusing a request to the client endpoint, with the status and the text for the
/// client.
#[derive(Debug)]
pub(crate) struct Refusal {
    reason: Refused,
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { reason: Refused::Request, status, text: text.into() }
    }

    fn because(self, reason: Refused) -> Self {
        Self { reason, ..self }
    }

    /// Counts the refusal. The refusal of an invalid token is logged, without the token.
    pub(crate) fn note(&self, state: &State, hub: Option<&str>) {
        state.counters.refused(self.reason);
        if self.reason == Refused::Token {
            state.trace.refused(hub, &self.text);
            tracing::warn!(reason = self.text, "the token of a client is refused");
        } else {
            let (reason, cause) = (self.reason.name(), self.text.as_str());
            tracing::debug!(reason, cause, "a client is refused");
        }
    }

    pub(crate) fn unknown_connection() -> Self {
        Self::new(StatusCode::NOT_FOUND, "No Connection with that ID").because(Refused::Connection)
    }

    pub(crate) fn already_connected() -> Self {
        let text = "a transport is connected with this id already";
        Self::new(StatusCode::CONFLICT, text).because(Refused::Connection)
    }

    pub(crate) fn stopping(stopping: Stopping) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, stopping.to_string());
        refusal.because(Refused::Shutdown)
    }

    /// Other nodes cannot be reached, and they may know the connection of the request.
    pub(crate) fn down(down: Down) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, down.to_string())
    }

    /// Something in the service itself failed. The client learns only that.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a client could not be served");
        let text = "the service failed; try again later";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text).because(Refused::Internal)
    }
}

impl Refusal {
    /// An expired token that no renewed login replaces. Only the node that got the request knows
    /// since when it has been expired.
    pub(crate) fn expired_token() -> Self {
        AuthError::Expired(Duration::ZERO).into()
    }

    /// The reason as text, for an answer in JSON.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<ClaimError> for Refusal {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Unknown => Self::unknown_connection(),
            ClaimError::Connected(_) => Self::already_connected(),
            ClaimError::OtherTransport => {
                Self::new(StatusCode::BAD_REQUEST, "Cannot change transports mid-connection")
            }
            ClaimError::Elsewhere(_) => Self::unknown_connection(),
            ClaimError::Down => Self::down(Down),
            ClaimError::OtherClient => Self::new(
                StatusCode::FORBIDDEN,
                "the access token names another user or hub than the one that negotiated",
            )
            .because(Refused::Connection),
        }
    }
}

impl From<NotCarriedOut> for Refusal {
    fn from(refused: NotCarriedOut) -> Self {
        match refused {
            NotCarriedOut::Down(down) => Self::down(down),
            NotCarriedOut::Stopping(stopping) => Self::stopping(stopping),
            error @ NotCarriedOut::NotWritten(_) => Self::internal(&error),
        }
    }
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        let status = match full {
            Full::Service | Full::Reserved => StatusCode::SERVICE_UNAVAILABLE,
            Full::User | Full::Address | Full::Rate => StatusCode::TOO_MANY_REQUESTS,
        };
        let reason = match full {
            Full::Service => Refused::Connections,
            Full::User => Refused::User,
            Full::Address => Refused::Address,
            Full::Rate => Refused::Rate,
            Full::Reserved => Refused::Sockets,
        };
        Self::new(status, full.to_string()).because(reason)
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, error.to_string()).because(Refused::Token)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.text.clone()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = auth::challenge(&self.text);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
        response
    }
}

impl Client {
    /// Checks who the client is. [`check_time`](Self::check_time) refuses an expired token later.
    pub(crate) fn authenticate(
        state: &State,
        request: &Request,
        now: SystemTime,
    ) -> Result<Self, Refusal> {
        let (uri, request_headers) = (request.uri(), request.headers());
        let query = Query::parse(uri.query());
        let hub = parse_hub(&query)?;
        // Browsers cannot set headers on these two kinds of requests.
        let may_be_in_query =
            headers::ask_for_websocket(request_headers) || headers::ask_for_events(request_headers);
        let in_query = query.all("access_token").next_back().filter(|_| may_be_in_query);
        let token = auth::bearer(request_headers).or(in_query).ok_or(AuthError::Missing)?;
        let hosts = auth::hosts(request_headers);
        // These requests open a connection. The others are negotiations, polls, posts and ends.
        let token_use = if may_be_in_query { TokenUse::Last } else { TokenUse::Again };
        let verified = state.verifier.verify_client(token, &hosts, &hub, now, token_use)?;
        let terms = verified.terms(state.clock.now(), now);
        let query_text = uri.query().unwrap_or_default();
        let serving = state.app_servers.serving(&hub);
        let has_upstream = state.has_upstream && serving == Serving::Serverless;
        let forwarded_query = has_upstream.then(|| upstream::forwarded_query(query_text));
        let socket = request.extensions().get::<Arc<SocketPlace>>().cloned();
        let forwarded_caller =
            socket.as_ref().and_then(|socket| socket.forwarded_caller(request_headers));
        let app = (serving == Serving::App).then(|| {
            let claims = login::pairs(&verified.claims);
            let query = upstream::forwarded_query(query_text);
            let address = forwarded_caller.or(socket.as_ref().map(|socket| socket.peer()));
            Box::new(AppClient::new(claims, request_headers, &query, address))
        });
        let (transports, login_end) = (verified.transports(), verified.login_end());
        let VerifiedClient { user, claims: token_claims, expired } = verified;
        Ok(Self {
            hub,
            user,
            terms,
            transports,
            query,
            expired,
            login_end,
            token_claims,
            forwarded_query,
            app,
            serving,
            socket,
            forwarded_caller,
        })
    }

    /// Refuses an access token that has expired.
    pub(crate) fn check_time(&self) -> Result<(), Refusal> {
        self.expired.map_or(Ok(()), |late| Err(AuthError::Expired(late).into()))
    }

    /// The same refusal. If the reason is an expired access token, it also says how long ago the
    /// token expired.
    pub(crate) fn explain(&self, refusal: Refusal) -> Refusal {
        match self.check_time() {
            Err(expired) if refusal.status == StatusCode::UNAUTHORIZED => expired,
            _ => refusal,
        }
    }

    /// Whether the access token is still valid.
    pub(crate) fn token_time(&self) -> TokenTime {
        if self.expired.is_some() { TokenTime::Expired } else { TokenTime::Good }
    }

    /// How many seconds of the login remain.
    pub(crate) fn login_left(&self, now: SystemTime) -> Option<u64> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.login_end?.checked_sub(now)
    }

    /// The claims of the token's login.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        login::claims(&self.token_claims)
    }

    /// Refuses a transport that the token does not allow. Source: the answer of ASP.NET Core for a
    /// transport that is turned off.
    pub(crate) fn check_transport(&self, transport: Transport) -> Result<(), Refusal> {
        if self.transports.contain(transport) {
            return Ok(());
        }
        let text = format!("{transport:?} is not a transport that the access token allows");
        Err(Refusal::new(StatusCode::NOT_FOUND, text))
    }

    /// Refuses to begin or to hold a connection in one of the last places, because these are
    /// reserved for REST.
    pub(crate) fn check_socket(&self, state: &State) -> Result<(), Refusal> {
        if self.socket.as_ref().is_some_and(|socket| socket.is_reserved()) {
            state.counters.connection_refused();
            return Err(Full::Reserved.into());
        }
        Ok(())
    }

    /// Refuses to begin a connection if too many connections begin.
    pub(crate) fn check_rate(state: &State) -> Result<(), Refusal> {
        if state.connect_rate.as_ref().is_some_and(|rate| !rate.take(Instant::now())) {
            state.counters.connect_refused();
            return Err(Full::Rate.into());
        }
        Ok(())
    }

    /// A place for a new connection of this client.
    pub(crate) fn admit(&self, state: &State, identity: &Arc<Identity>) -> Result<Place, Refusal> {
        let of_address = match (&self.socket, self.forwarded_caller) {
            (Some(socket), Some(caller)) => socket.count(caller).map_err(|_| Full::Address)?,
            _ => None,
        };
        Ok(state.admission.admit(identity, of_address)?)
    }

    /// The hub and the user whose connection tokens the client may use.
    pub(crate) fn hub_and_user(&self) -> (&HubName, Option<&UserId>) {
        (&self.hub, self.user.as_ref())
    }

    /// The data about this client for its app server, if an app server has to answer it.
    pub(crate) fn app(
        &mut self,
        state: &State,
        identity: &Identity,
    ) -> Result<Option<Box<AppClient>>, Refusal> {
        let app = self.app.take();
        let has_place =
            app.as_ref().is_some_and(|app| state.app_servers.has_place(&identity.hub, app));
        if has_place || self.serving == Serving::Serverless {
            return Ok(app);
        }
        Err(Refusal::new(NO_SERVER_STATUS, NO_SERVER).because(Refused::AppServer))
    }

    /// The data about this client for the upstream, if there is an upstream.
    pub(crate) fn caller(&mut self, identity: &Arc<Identity>) -> Option<Caller> {
        let query = self.forwarded_query.take()?;
        let claims = login::pairs(&self.token_claims);
        Some(Caller { identity: Arc::clone(identity), claims, query })
    }

    /// A new connection of this client.
    pub(crate) fn new_identity(&self) -> Result<Arc<Identity>, Refusal> {
        let id = random_id().map_err(|error| Refusal::internal(&error))?;
        Ok(Arc::new(Identity {
            id: ConnectionId::parse(&id).map_err(|error| Refusal::internal(&error))?,
            hub: self.hub.clone(),
            user: self.user.clone(),
        }))
    }
}

/// The connection token of a request that needs one.
pub(crate) fn required_token(client: &Client) -> Result<&str, Refusal> {
    let token = client.query.first("id").filter(|id| !id.is_empty());
    token.ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "Connection ID required"))
}

fn parse_hub(query: &Query) -> Result<HubName, Refusal> {
    let bad_request = |text: String| Refusal::new(StatusCode::BAD_REQUEST, text);
    let mut hubs = query.all("hub");
    match (hubs.next(), hubs.next()) {
        (Some(hub), None) => HubName::parse(hub).map_err(|error| bad_request(error.to_string())),
        (None, _) => Err(bad_request("the query parameter 'hub' is missing".to_owned())),
        (Some(_), Some(_)) => {
            Err(bad_request("the query parameter 'hub' is there more than once".to_owned()))
        }
    }
}
