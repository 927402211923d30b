//! The first exchange on every connection: which hub protocol, in which version.

use serde::Deserialize;

use super::{Protocol, ProtocolError, json::RECORD_SEPARATOR};

/// The answer to a handshake that is accepted.
pub(crate) const ACCEPTED: &[u8] = b"{}\x1e";

/// The answer to a handshake that is not; the connection ends after it.
pub(crate) fn refusal(error: &str) -> Vec<u8> {
    let mut record = serde_json::json!({ "error": error }).to_string().into_bytes();
    record.push(RECORD_SEPARATOR);
    record
}

/// Parses the client's request, without its record separator.
///
/// The error texts are those of ASP.NET Core, which clients show to their users.
pub(crate) fn parse(record: &[u8]) -> Result<Protocol, ProtocolError> {
    #[derive(Deserialize)]
    struct Request {
        protocol: String,
        version: u32,
    }
    let request: Request = serde_json::from_slice(record).map_err(|error| {
        ProtocolError::new(format!(
            "An unexpected error occurred during connection handshake: {error}"
        ))
    })?;
    match (request.protocol.as_str(), request.version) {
        ("json", 1) => Ok(Protocol::Json),
        ("json", version) => Err(ProtocolError::new(format!(
            "The server does not support version {version} of the 'json' protocol."
        ))),
        (other, _) => Err(ProtocolError::new(format!("The protocol '{other}' is not supported."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_version_1_is_accepted() {
        assert_eq!(parse(br#"{"protocol":"json","version":1}"#).unwrap(), Protocol::Json);
        assert_eq!(parse(br#"{"version":1,"x":0,"protocol":"json"}"#).unwrap(), Protocol::Json);
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
            assert_eq!(parse(request.as_bytes()).unwrap_err().to_string(), error);
        }
        for bad in [
            "",
            "{}",
            "null",
            r#"{"protocol":1,"version":1}"#,
            r#"{"protocol":"json","version":-1}"#,
        ] {
            let error = parse(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("An unexpected error occurred during connection handshake"));
        }
    }
}
