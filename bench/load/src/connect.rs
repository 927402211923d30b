//! One connection, from nothing to an answered handshake, each step waiting for the one before.

use std::{io::Write, net::TcpStream};

use serde_json::Value;
use signalr_serverless::Token;

use crate::{
    failure::Failure,
    http,
    server::{Endpoint, Server, Way},
    websocket::{self, Decoder},
};

/// A client whose handshake was answered.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) socket: TcpStream,
    pub(crate) decoder: Decoder,
}

const HANDSHAKE: &str = r#"{"protocol":"json","version":1}"#;
/// A service may send a client on to another, and that one again.
const MOST_REDIRECTS: usize = 5;

pub(crate) fn connect(server: &Server) -> Result<Connected, Failure> {
    let endpoint = match server.way {
        Way::WebSocket => with_token_in_query(&server.client, ""),
        Way::Negotiate => negotiated(server)?,
    };
    let (mut socket, early) = websocket::upgrade(&endpoint, server.timeout)?;
    let handshake = websocket::text(HANDSHAKE);
    socket
        .write_all(&handshake)
        .map_err(|error| Failure::server(format!("no handshake could be sent: {error}")))?;
    let mut decoder = Decoder::default();
    let answer =
        websocket::first_record(&mut socket, &mut decoder, early, server.timeout, <[u8]>::to_vec)?;
    match serde_json::from_slice::<Value>(&answer) {
        Ok(Value::Object(fields)) if !fields.contains_key("error") => {
            Ok(Connected { socket, decoder })
        }
        _ => {
            let shown: String = String::from_utf8_lossy(&answer).chars().take(300).collect();
            Err(Failure::server(format!("the server refused the handshake: {shown}")))
        }
    }
}

/// Asks where and as whom to connect, as often as the server sends on.
fn negotiated(server: &Server) -> Result<Endpoint, Failure> {
    let mut endpoint = server.client.clone();
    for _ in 0..MOST_REDIRECTS {
        let mut socket = endpoint.connect(server.timeout)?;
        let (answer, _) =
            http::exchange(&mut socket, &negotiate_request(&endpoint), server.timeout)?;
        let answer = read_negotiation(&answer)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        if let Some(url) = text("url") {
            endpoint = Endpoint::parse("the url of the negotiate answer", url)
                .map_err(|failure| Failure::server(failure.to_string()))?;
            let token = text("accessToken").map(Token::parse).transpose();
            endpoint.token = token.map_err(|error| Failure::server(error.to_string()))?;
            continue;
        }
        let id = text("connectionToken").or_else(|| text("connectionId"));
        let id = id.ok_or_else(|| Failure::server("the negotiate answer has no connectionId"))?;
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        return Ok(with_token_in_query(&endpoint, &format!("id={id}")));
    }
    Err(Failure::server(format!("negotiate was sent on more than {MOST_REDIRECTS} times")))
}

/// The request of a negotiation, as stock clients write it.
pub(crate) fn negotiate_request(endpoint: &Endpoint) -> Vec<u8> {
    let endpoint = endpoint.with_target(endpoint.target_with("/negotiate", "negotiateVersion=1"));
    http::request("POST", &endpoint, "", b"")
}

/// What a negotiation brought.
pub(crate) fn read_negotiation(answer: &http::Answer) -> Result<Value, Failure> {
    let refused =
        || Failure::server(format!("the server refused to negotiate: {}", answer.shown()));
    if answer.status != 200 {
        return Err(refused());
    }
    let value: Value = serde_json::from_slice(&answer.body).map_err(|_| refused())?;
    if value.get("error").is_some() { Err(refused()) } else { Ok(value) }
}

/// Browsers cannot set headers on a WebSocket, so the token goes into the query.
fn with_token_in_query(endpoint: &Endpoint, pair: &str) -> Endpoint {
    let mut pairs = pair.to_owned();
    if let Some(token) = &endpoint.token {
        let separator = if pairs.is_empty() { "" } else { "&" };
        pairs.push_str(&format!("{separator}access_token={}", token.as_str()));
    }
    let mut endpoint = endpoint.with_target(endpoint.target_with("", &pairs));
    endpoint.token = None;
    endpoint
}
