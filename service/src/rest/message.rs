//! The messages in the bodies of calls.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{
    body::{Body, Format},
    encoded,
    error::Error,
    payload::PayloadMessage,
};
use crate::{
    hub::message::{Content, Message},
    protocol::{json, message_pack},
};

/// The message in the body of a send.
pub(super) fn message(body: &Body) -> Result<Arc<Message>, Error> {
    let content = match body.format()? {
        Format::Encoded => encoded::content(&body.bytes)?,
        format => invocation(parse(&body.bytes, format)?, None),
    };
    Ok(Arc::new(Message::new(content)))
}

/// The invocation in the body of `:invoke`. If it is already encoded, it is decoded, because it
/// needs an id of the service. If one protocol is missing, it is made from the other.
pub(super) fn blocking_invocation(
    body: &Body,
    invocation_id: String,
) -> Result<Arc<Message>, Error> {
    let payload = match body.format()? {
        Format::Encoded => {
            let (json, message_pack) = match encoded::content(&body.bytes)? {
                Content::Encoded { json, message_pack } => (json, message_pack),
                _ => (None, None),
            };
            let json = json
                .map(|frame| parse(frame.strip_suffix(b"\x1e").unwrap_or(&frame), Format::Json));
            let Some(message_pack) = message_pack else {
                let problem =
                    "the map is empty; give the invocation as 'json', 'messagepack' or both";
                let payload = json.unwrap_or_else(|| Err(Error::bad("body", problem)))?;
                return Ok(Arc::new(Message::new(invocation(payload, Some(invocation_id)))));
            };
            let came = message_pack::with_invocation_id(&message_pack, &invocation_id);
            let came = came.ok_or_else(|| {
                Error::bad("body", "the message for 'messagepack' is not an invocation")
            })?;
            let payload = json.transpose()?.or_else(|| {
                let arguments = came.arguments?;
                Some(PayloadMessage { target: came.target, arguments })
            });
            let as_json = payload.map(|PayloadMessage { target, arguments }| {
                json::invocation(&target, &arguments, Some(&invocation_id)).into()
            });
            let content = Content::Encoded { json: as_json, message_pack: Some(came.frame.into()) };
            return Ok(Arc::new(Message::new(content)));
        }
        format => parse(&body.bytes, format)?,
    };
    Ok(Arc::new(Message::new(invocation(payload, Some(invocation_id)))))
}

/// The item in the body of `streams/…/:send`.
pub(super) fn stream_item(body: &Body, stream_id: String) -> Result<Arc<Message>, Error> {
    let content = match body.format()? {
        Format::Encoded => encoded::content(&body.bytes)?,
        Format::Json => Content::StreamItem { stream_id, item: parse_json(&body.bytes)? },
        Format::MessagePack => Content::StreamItem { stream_id, item: unpack(&body.bytes)? },
    };
    Ok(Arc::new(Message::new(content)))
}

pub(super) fn invocation(payload: PayloadMessage, invocation_id: Option<String>) -> Content {
    let PayloadMessage { target, arguments } = payload;
    Content::Invocation { target, arguments, invocation_id }
}

fn parse(bytes: &[u8], format: Format) -> Result<PayloadMessage, Error> {
    let parsed = match format {
        Format::MessagePack => serde_json::from_str(unpack(bytes)?.get()),
        Format::Json | Format::Encoded => serde_json::from_slice(bytes),
    };
    parsed.map_err(|error| Error::bad("body", format!("the body is not a message: {error}")))
}

fn unpack(body: &[u8]) -> Result<Box<RawValue>, Error> {
    message_pack::to_json(body).map_err(|error| Error::bad("body", error.to_string()))
}

fn parse_json(body: &[u8]) -> Result<Box<RawValue>, Error> {
    serde_json::from_slice(body)
        .map_err(|error| Error::bad("body", format!("the body is not JSON: {error}")))
}
