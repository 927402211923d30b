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
    protocol::message_pack,
};

/// The message in the body of a send.
pub(super) fn message(body: &Body) -> Result<Arc<Message>, Error> {
    let content = match body.format()? {
        Format::Encoded => encoded::content(&body.bytes)?,
        format => invocation(parse(&body.bytes, format)?, None),
    };
    Ok(Arc::new(Message::new(content)))
}

/// The invocation in the body of `:invoke`. One that comes encoded is taken apart, since it needs
/// an id of the service's own.
pub(super) fn blocking_invocation(
    body: &Body,
    invocation_id: String,
) -> Result<Arc<Message>, Error> {
    let payload = match body.format()? {
        Format::Encoded => {
            let Content::Encoded { json: Some(frame), .. } = encoded::content(&body.bytes)? else {
                let problem = "the map has no 'json'; an invocation needs it to be answered";
                return Err(Error::bad("body", problem));
            };
            parse(frame.strip_suffix(b"\x1e").unwrap_or(&frame), Format::Json)?
        }
        format => parse(&body.bytes, format)?,
    };
    Ok(Arc::new(Message::new(invocation(payload, Some(invocation_id)))))
}

/// The item in the body of `streams/…/:send`.
pub(super) fn stream_item(body: &Body, stream_id: String) -> Result<Arc<Message>, Error> {
    let content = match body.format()? {
        Format::Encoded => encoded::content(&body.bytes)?,
        Format::Json => Content::StreamItem { stream_id, item: json(&body.bytes)? },
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

fn json(body: &[u8]) -> Result<Box<RawValue>, Error> {
    serde_json::from_slice(body)
        .map_err(|error| Error::bad("body", format!("the body is not JSON: {error}")))
}
