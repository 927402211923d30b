//! The first exchange on every connection: which hub protocol, in which version.

use serde::Deserialize;

use super::{Protocol, client_message::ProtocolError, json::RECORD_SEPARATOR};

/// The answer to a handshake that is accepted.
pub(crate) const ACCEPTED: &[u8] = b"{}\x1e";

/// The answer to a handshake that is not; the connection ends after it.
pub(crate) fn refusal(error: &str) -> Vec<u8> {
    let mut record = serde_json::json!({ "error": error }).to_string().into_bytes();
    record.push(RECORD_SEPARATOR);
    record
}

/// The newest version of either protocol; the second added stateful reconnect.
const NEWEST_VERSION: u32 = 2;

/// Parses the client's request, without its record separator.
///
/// The error texts are those of ASP.NET Core, which clients show to their users; what exactly is
/// malformed stands there only if the token asks for detailed errors.
pub(crate) fn parse(record: &[u8], is_detailed: bool) -> Result<Protocol, ProtocolError> {
    #[derive(Deserialize)]
    struct Request {
        protocol: String,
        version: u32,
    }
    let request: Request = serde_json::from_slice(record).map_err(|error| {
        let text = "An unexpected error occurred during connection handshake.";
        let detail = if is_detailed { format!(" {error}") } else { String::new() };
        ProtocolError::new(format!("{text}{detail}"))
    })?;
    let protocol = match request.protocol.as_str() {
        "json" => Protocol::Json,
        "messagepack" => Protocol::MessagePack,
        other => {
            let shown: String = other.chars().take(64).collect();
            return Err(ProtocolError::new(format!("The protocol '{shown}' is not supported.")));
        }
    };
    // ASP.NET Core takes any older version too, and some clients say 0.
    if request.version > NEWEST_VERSION {
        return Err(ProtocolError::new(format!(
            "The server does not support version {} of the '{}' protocol.",
            request.version, request.protocol
        )));
    }
    Ok(protocol)
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
