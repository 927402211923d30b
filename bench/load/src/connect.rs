//! Makes one connection, up to the answer to its handshake. Each step waits for the step before.

use std::{io::Write, net::TcpStream};

use serde_json::Value;
use signalr_serverless::Token;

use crate::{
    carrier::{Carrier, Events, Polls},
    dialect::{Dialect, Framing},
    failure::Failure,
    http,
    server::{Endpoint, Server, Transport},
    websocket::{self, Decoder},
};

/// A client whose handshake was answered.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) socket: TcpStream,
    pub(crate) carrier: Carrier,
}

/// The URL from a negotiation, with the connection's id in the query, and the socket of the
/// negotiation.
struct Negotiated {
    endpoint: Endpoint,
    socket: TcpStream,
}

/// A service may redirect a client to another service, which may redirect it again.
const MOST_REDIRECTS: usize = 5;
/// Engine.IO's packet that opens a connection.
const ENGINE_OPEN: &[u8] = b"0";
const SOCKET_IO_CONNECTED: &[u8] = b"40";

/// Makes the connection with this number.
pub(crate) fn connect(server: &Server, number: usize) -> Result<Connected, Failure> {
    let client = server.client(number)?;
    match server.ways.transport {
        Transport::WebSocket => {
            let endpoint = match server.ways.negotiates {
                false => with_token_in_query(&client, ""),
                true => with_token_in_query(&negotiate(&client, server)?.endpoint, ""),
            };
            by_websocket(&endpoint, server)
        }
        Transport::Events => by_events(negotiate(&client, server)?, server),
        Transport::Polls => by_polls(negotiate(&client, server)?, server),
    }
}

fn by_websocket(endpoint: &Endpoint, server: &Server) -> Result<Connected, Failure> {
    let (mut socket, early) = websocket::upgrade(endpoint, server.ways.timeout)?;
    let mut decoder = Decoder::default();
    let first = |socket: &mut TcpStream, decoder: &mut Decoder, early| {
        websocket::first_record(socket, decoder, early, server.ways.timeout, <[u8]>::to_vec)
    };
    match server.ways.dialect {
        Dialect::Plain => decoder.set_framing(server.ways.dialect.framing()),
        Dialect::SocketIo => {
            decoder.set_framing(Framing::Whole);
            let opened = first(&mut socket, &mut decoder, early)?;
            expect_start(&opened, ENGINE_OPEN)?;
            say(&mut socket, server.ways.dialect)?;
            let connected = first(&mut socket, &mut decoder, Vec::new())?;
            expect_start(&connected, SOCKET_IO_CONNECTED)?;
        }
        Dialect::Json | Dialect::MessagePack => {
            say(&mut socket, server.ways.dialect)?;
            check_answer(&first(&mut socket, &mut decoder, early)?)?;
            decoder.set_framing(server.ways.dialect.framing());
        }
    }
    Ok(Connected { socket, carrier: Carrier::WebSocket(decoder) })
}

fn say(socket: &mut TcpStream, dialect: Dialect) -> Result<(), Failure> {
    let handshake = dialect.handshake().unwrap_or_default();
    socket
        .write_all(&websocket::data(Framing::Separated, handshake))
        .map_err(|error| Failure::server(format!("no handshake could be sent: {error}")))
}

/// The stream has its own socket. The handshake is sent over the socket of the negotiation.
fn by_events(negotiated: Negotiated, server: &Server) -> Result<Connected, Failure> {
    let Negotiated { endpoint, socket: mut other } = negotiated;
    let mut socket = endpoint.connect(server.ways.timeout)?;
    let stream = with_token_in_query(&endpoint, "");
    let request = http::request("GET", &stream, "accept: text/event-stream\r\n", b"");
    let (head, early) = http::exchange_head(&mut socket, &request, server.ways.timeout)?;
    if head.status != 200 {
        let shown = head.shown();
        return Err(Failure::server(format!("the server refused an event stream: {shown}")));
    }
    post_handshake(&mut other, &endpoint, server)?;
    let mut events = Events::default();
    let answer = events.first_record(&mut socket, early, server.ways.timeout)?;
    check_answer(&answer)?;
    Ok(Connected { socket, carrier: Carrier::Events(events) })
}

/// All requests use one socket, as with a client that has a connection pool.
fn by_polls(negotiated: Negotiated, server: &Server) -> Result<Connected, Failure> {
    let Negotiated { endpoint, mut socket } = negotiated;
    let poll = http::request("GET", &endpoint, "", b"");
    let ask = |socket: &mut TcpStream| -> Result<Vec<u8>, Failure> {
        let (answer, _) = http::exchange(socket, &poll, server.ways.timeout)?;
        if answer.status == 200 && answer.stays_open {
            return Ok(answer.body);
        }
        Err(Failure::server(format!("the server refused a poll: {}", answer.shown())))
    };
    // The first poll makes the connection, and its answer comes at once.
    ask(&mut socket)?;
    post_handshake(&mut socket, &endpoint, server)?;
    let answer = ask(&mut socket)?;
    check_answer(answer.strip_suffix(&[websocket::RECORD_END]).unwrap_or(&answer))?;
    socket
        .write_all(&poll)
        .map_err(|error| Failure::server(format!("no poll could be sent: {error}")))?;
    Ok(Connected {
        socket,
        carrier: Carrier::Polls(Polls::new(poll, server.ways.dialect.framing())),
    })
}

fn post_handshake(
    socket: &mut TcpStream,
    endpoint: &Endpoint,
    server: &Server,
) -> Result<(), Failure> {
    let handshake = server.ways.dialect.handshake().unwrap_or_default();
    let request = http::request("POST", endpoint, "", handshake);
    let (answer, _) = http::exchange(socket, &request, server.ways.timeout)?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    Err(Failure::server(format!("the server refused a POST: {}", answer.shown())))
}

fn check_answer(answer: &[u8]) -> Result<(), Failure> {
    match serde_json::from_slice::<Value>(answer) {
        Ok(Value::Object(fields)) if !fields.contains_key("error") => Ok(()),
        _ => Err(refused_handshake(answer)),
    }
}

fn expect_start(record: &[u8], start: &[u8]) -> Result<(), Failure> {
    if record.starts_with(start) { Ok(()) } else { Err(refused_handshake(record)) }
}

fn refused_handshake(answer: &[u8]) -> Failure {
    let shown: String = String::from_utf8_lossy(answer).chars().take(300).collect();
    Failure::server(format!("the server refused the handshake: {shown}"))
}

/// Asks for the URL and the token of the connection, and follows redirects.
fn negotiate(client: &Endpoint, server: &Server) -> Result<Negotiated, Failure> {
    let mut endpoint = client.clone();
    for _ in 0..MOST_REDIRECTS {
        let mut socket = endpoint.connect(server.ways.timeout)?;
        let (answer, _) =
            http::exchange(&mut socket, &negotiate_request(&endpoint), server.ways.timeout)?;
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
        let endpoint = endpoint.with_target(endpoint.target_with("", &format!("id={id}")));
        return Ok(Negotiated { endpoint, socket });
    }
    Err(Failure::server(format!("negotiate was redirected more than {MOST_REDIRECTS} times")))
}

/// The request of a negotiation, as stock clients send it.
pub(crate) fn negotiate_request(endpoint: &Endpoint) -> Vec<u8> {
    let endpoint = endpoint.with_target(endpoint.target_with("/negotiate", "negotiateVersion=1"));
    http::request("POST", &endpoint, "", b"")
}

/// The answer to a negotiation.
pub(crate) fn read_negotiation(answer: &http::Answer) -> Result<Value, Failure> {
    let refused =
        || Failure::server(format!("the server refused to negotiate: {}", answer.shown()));
    if answer.status != 200 {
        return Err(refused());
    }
    let value: Value = serde_json::from_slice(&answer.body).map_err(|_| refused())?;
    if value.get("error").is_some() { Err(refused()) } else { Ok(value) }
}

/// Browsers cannot set headers on a WebSocket or an event stream, so the token goes into the query.
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
