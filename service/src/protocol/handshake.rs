//! The first exchange on every connection, which decides the hub protocol and its version.

use serde::Deserialize;

use super::{Protocol, client_message::ProtocolError, json::RECORD_SEPARATOR};

/// The answer to a handshake that is accepted.
pub(crate) const ACCEPTED: &[u8] = b"{}\x1e";

/// The answer to a refused handshake. The connection ends after it.
pub(crate) fn refusal(error: &str) -> Vec<u8> {
    let mut record = serde_json::json!({ "error": error }).to_string().into_bytes();
    record.push(RECORD_SEPARATOR);
    record
}

/// The newest version of either protocol; the second added stateful reconnect.
const NEWEST_VERSION: u32 = 2;

/// Parses the client's request, without its record separator.
///
/// The error texts are the same as in ASP.NET Core, because clients show them to their users. They
/// have details only if the token asks for detailed errors.
pub(crate) fn parse(record: &[u8], is_detailed: bool) -> Result<Protocol, ProtocolError> {
    let request = read(record, is_detailed)?;
    let protocol = named(&request.protocol)?;
    // ASP.NET Core also accepts any older version, and some clients send 0.
    if request.version > NEWEST_VERSION {
        return Err(ProtocolError::new(format!(
            "The server does not support version {} of the '{}' protocol.",
            request.version, request.protocol
        )));
    }
    Ok(protocol)
}

/// The longest name of a protocol.
const LONGEST_NAME: usize = 64;

/// The protocol in the request of an app server's client, and its name. Any version is accepted.
pub(crate) fn protocol(
    record: &[u8],
    is_detailed: bool,
) -> Result<(Protocol, String), ProtocolError> {
    let name = read(record, is_detailed)?.protocol;
    let protocol = match name.as_str() {
        "json" => Protocol::Json,
        "messagepack" => Protocol::MessagePack,
        "blazorpack" => Protocol::BlazorPack,
        other if other.len() > LONGEST_NAME => return Err(not_supported(other)),
        _ => Protocol::OtherText,
    };
    Ok((protocol, name))
}

#[derive(Deserialize)]
struct Request {
    protocol: String,
    version: u32,
}

fn read(record: &[u8], is_detailed: bool) -> Result<Request, ProtocolError> {
    serde_json::from_slice(record).map_err(|error| {
        let text = "An unexpected error occurred during connection handshake.";
        let detail = if is_detailed { format!(" {error}") } else { String::new() };
        ProtocolError::new(format!("{text}{detail}"))
    })
}

fn named(protocol: &str) -> Result<Protocol, ProtocolError> {
    match protocol {
        "json" => Ok(Protocol::Json),
        "messagepack" => Ok(Protocol::MessagePack),
        other => Err(not_supported(other)),
    }
}

fn not_supported(protocol: &str) -> ProtocolError {
    let shown: String = protocol.chars().take(LONGEST_NAME).collect();
    ProtocolError::new(format!("The protocol '{shown}' is not supported."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_protocols_are_accepted_up_to_the_newest_version() {
        for (name, protocol) in [("json", Protocol::Json), ("messagepack", Protocol::MessagePack)] {
            for version in [0, 1, 2] {
                let request = format!("{{\"version\":{version},\"x\":0,\"protocol\":\"{name}\"}}");
                assert_eq!(parse(request.as_bytes(), false).unwrap(), protocol);
            }
        }
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        for (request, error) in [
            (
                r#"{"protocol":"json","version":3}"#,
                "The server does not support version 3 of the 'json' protocol.",
            ),
            (r#"{"protocol":"x","version":1}"#, "The protocol 'x' is not supported."),
        ] {
            assert_eq!(parse(request.as_bytes(), false).unwrap_err().to_string(), error);
        }
        for bad in [
            "",
            "{}",
            "null",
            r#"{"protocol":1,"version":1}"#,
            r#"{"protocol":"json","version":-1}"#,
        ] {
            let error = |is_detailed| parse(bad.as_bytes(), is_detailed).unwrap_err().to_string();
            let plain = "An unexpected error occurred during connection handshake.";
            assert_eq!(error(false), plain);
            assert!(error(true).starts_with(plain) && error(true).len() > plain.len());
        }
    }
}
