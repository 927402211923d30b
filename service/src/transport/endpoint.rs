//! What every request to the client endpoint has in common: a hub, a token, and errors as text.

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use signalr_http_server::SocketPlace;
use signalr_serverless::{ConnectionId, HubName, UserId};
use tokio::time::Instant;

use super::headers;
use crate::{
    admission::{Full, Place},
    auth::{self, AuthError},
    broker::Down,
    carrier::{Transport, Transports},
    counters::Counters,
    hub::Stopping,
    identity::Identity,
    query::Query,
    random_id::random_id,
    refused::Refused,
    request_body::BodyError,
    session::Terms,
    state::State,
    tokens::ClaimError,
    upstream::{self, Caller},
};

/// How many seconds a client that is refused for now should wait: there may be room by then, or
/// another service in the place of one that ends.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// A client whose token was checked.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) hub: HubName,
    pub(crate) user: Option<UserId>,
    pub(crate) terms: Terms,
    /// The transports that the token allows.
    pub(crate) transports: Transports,
    pub(crate) query: Query,
    /// What only an upstream is told.
    details: Option<Details>,
    socket: Option<Arc<SocketPlace>>,
    /// Who calls, if a proxy that is trusted says so.
    forwarded_caller: Option<IpAddr>,
}

#[derive(Debug)]
struct Details {
    claims: Vec<(String, String)>,
    query: String,
}

/// Why a request to the client endpoint is refused, as the status and the text the client gets.
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

    /// Counts the refusal. A token that is not good is logged, without the token.
    pub(crate) fn note(&self, counters: &Counters) {
        counters.refused(self.reason);
        if self.reason == Refused::Token {
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

    /// Other nodes cannot be reached, and they may have what the client is about.
    pub(crate) fn down(down: Down) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, down.to_string())
    }

    /// Something in the service itself failed; the client only learns that.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a client could not be served");
        let text = "the service failed; try again later";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text).because(Refused::Internal)
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
    /// Checks who is calling.
    pub(crate) fn authenticate(
        state: &State,
        request: &Request,
        now: SystemTime,
    ) -> Result<Self, Refusal> {
        let (uri, request_headers) = (request.uri(), request.headers());
        let query = Query::parse(uri.query());
        let hub = parse_hub(&query)?;
        // Browsers cannot set headers on these two requests.
        let may_be_in_query =
            headers::ask_for_websocket(request_headers) || headers::ask_for_events(request_headers);
        let in_query = query.all("access_token").next_back().filter(|_| may_be_in_query);
        let token = auth::bearer(request_headers).or(in_query).ok_or(AuthError::Missing)?;
        let hosts = auth::hosts(request_headers);
        let verified = state.verifier.verify_client(token, &hosts, &hub, now)?;
        let terms = verified.terms(state.clock.now(), now);
        let details = state.has_upstream.then(|| Details {
            claims: upstream::claims(&verified.claims),
            query: upstream::forwarded_query(uri.query().unwrap_or_default()),
        });
        let socket = request.extensions().get::<Arc<SocketPlace>>().cloned();
        let forwarded_caller =
            socket.as_ref().and_then(|socket| socket.forwarded_caller(request_headers));
        let (user, transports) = (verified.user.clone(), verified.transports());
        Ok(Self { hub, user, terms, transports, query, details, socket, forwarded_caller })
    }

    /// Refuses a transport that the token does not allow. Source: the answer of ASP.NET Core to one
    /// that is turned off.
    pub(crate) fn check_transport(&self, transport: Transport) -> Result<(), Refusal> {
        if self.transports.contain(transport) {
            return Ok(());
        }
        let text = format!("{transport:?} is no transport that the access token allows");
        Err(Refusal::new(StatusCode::NOT_FOUND, text))
    }

    /// Refuses to begin or to hold a connection in one of the last places, which are for REST.
    pub(crate) fn check_socket(&self, state: &State) -> Result<(), Refusal> {
        if self.socket.as_ref().is_some_and(|socket| socket.is_reserved()) {
            state.counters.connection_refused();
            return Err(Full::Reserved.into());
        }
        Ok(())
    }

    /// Refuses to begin a connection if too many do.
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

    /// Whose connection tokens the client may use.
    pub(crate) fn hub_and_user(&self) -> (&HubName, Option<&UserId>) {
        (&self.hub, self.user.as_ref())
    }

    /// What the upstream is told about this client, if there is one.
    pub(crate) fn caller(&mut self, identity: &Arc<Identity>) -> Option<Caller> {
        let Details { claims, query } = self.details.take()?;
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
