//! Opens a connection by a client's choices, up to the end of its handshake.

use std::future::poll_fn;

use tokio::time::timeout;

use crate::{
    error::ConnectError,
    negotiate::{Negotiated, negotiate},
    options::Options,
    protocol::handshake,
    transport::{Transport, kind::Kind, place::Place},
};

/// A connection that is open.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) transport: Transport,
    pub(crate) place: Place,
    pub(crate) connection_id: Option<String>,
    pub(crate) is_stateful: bool,
    /// The bytes that followed the answer to the handshake.
    pub(crate) behind: Vec<u8>,
}

/// The longest answer to a handshake.
const MOST_HANDSHAKE_BYTES: usize = 64 * 1024;

pub(crate) async fn open(client: &Options) -> Result<Opened, ConnectError> {
    timeout(client.connect_limit, try_transports(client))
        .await
        .unwrap_or(Err(ConnectError::TimedOut(client.connect_limit)))
}

/// Tries one transport after the other. Each attempt negotiates again, because servers forget a
/// connection that failed to open.
async fn try_transports(client: &Options) -> Result<Opened, ConnectError> {
    let http =
        client.http.as_ref().ok_or(ConnectError::InvalidChoice("there is no HTTP client"))?;
    let mut tried = 0;
    loop {
        let negotiated = if client.negotiates {
            negotiate(client, http).await?
        } else {
            straight(client).await?
        };
        let Negotiated { url, token, connection_id, transports, is_stateful } = negotiated;
        let Some(kind) = transports.get(tried).copied() else {
            return Err(ConnectError::NoTransport {
                offered: "fewer transports than before".to_owned(),
            });
        };
        let is_stateful = is_stateful && kind == Kind::WebSockets;
        let place = Place {
            kind,
            url,
            token,
            http: http.clone(),
            trust: client.trust.clone(),
            max_message: client.max_message,
            is_binary: client.protocol == crate::encoding::Protocol::MessagePack,
        };
        match shake_hands(client, place, connection_id, is_stateful).await {
            Ok(opened) => return Ok(opened),
            Err(error @ ConnectError::Handshake(_)) => return Err(error),
            Err(error) if tried + 1 >= transports.len() => return Err(error),
            Err(_) => tried += 1,
        }
    }
}

async fn straight(client: &Options) -> Result<Negotiated, ConnectError> {
    Ok(Negotiated {
        url: client.url.clone(),
        token: client.token.current().await.map_err(ConnectError::Token)?,
        connection_id: None,
        transports: vec![Kind::WebSockets],
        is_stateful: false,
    })
}

async fn shake_hands(
    client: &Options,
    place: Place,
    connection_id: Option<String>,
    is_stateful: bool,
) -> Result<Opened, ConnectError> {
    let mut transport = Transport::open(&place).await?;
    transport.queue_text(handshake::request(client.protocol, is_stateful));
    let mut behind = Vec::new();
    loop {
        let bytes = poll_fn(|cx| transport.poll(cx, true))
            .await
            .map_err(|broken| ConnectError::Ended(broken.to_string()))?;
        behind.extend_from_slice(&bytes);
        let not_signalr =
            |problem: String| ConnectError::NotSignalR { host: place.host(), problem };
        match handshake::take_answer(&mut behind) {
            Ok(Some(Ok(()))) => break,
            Ok(Some(Err(error))) => return Err(ConnectError::Handshake(error)),
            Ok(None) if behind.len() > MOST_HANDSHAKE_BYTES => {
                return Err(not_signalr("its answer to the handshake has no end".to_owned()));
            }
            Ok(None) => {}
            Err(error) => return Err(not_signalr(error.to_string())),
        }
    }
    Ok(Opened { transport, place, connection_id, is_stateful, behind })
}
