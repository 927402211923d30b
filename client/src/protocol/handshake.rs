//! The first exchange on every connection.

use serde::Deserialize;

use super::message::{ProtocolError, RECORD_SEPARATOR};
use crate::encoding::Protocol;

/// The request. Stateful reconnect came with version 2.
pub(crate) fn request(protocol: Protocol, is_stateful: bool) -> String {
    let version = if is_stateful { 2 } else { 1 };
    let separator = char::from(RECORD_SEPARATOR);
    format!("{{\"protocol\":\"{}\",\"version\":{version}}}{separator}", protocol.name())
}

/// Reads the answer if it is complete: nothing, or the server's error.
pub(crate) fn take_answer(
    bytes: &mut Vec<u8>,
) -> Result<Option<Result<(), String>>, ProtocolError> {
    #[derive(Deserialize)]
    struct Answer {
        error: Option<String>,
    }
    let Some(end) = bytes.iter().position(|byte| *byte == RECORD_SEPARATOR) else {
        return Ok(None);
    };
    let answer: Answer = serde_json::from_slice(&bytes[..end])
        .map_err(|error| ProtocolError(format!("the answer to the handshake: {error}")))?;
    bytes.drain(..=end);
    Ok(Some(answer.error.map_or(Ok(()), Err)))
}
