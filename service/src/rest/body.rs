//! The bodies of calls: how they are read, and the messages in them.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::{call::Call, encoded, error::Error, payload::PayloadMessage};
use crate::{
    hub::message::{Content, Message},
    protocol::message_pack,
};

/// The largest body, in bytes. Source: the limits of Azure's REST API.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// How long a caller may take to send a body.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Reads a body, no further and no longer than it may go.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Error> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(Error::body_too_large(MAX_BODY));
    }
    let Ok(read) = timeout(TIME_LIMIT, Limited::new(body, MAX_BODY).collect()).await else {
        return Err(Error::body_too_slow(TIME_LIMIT));
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::body_too_large(MAX_BODY)),
        Err(error) => Err(Error::bad("body", format!("the body broke off: {error}"))),
    }
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    MessagePack,
    /// Hub messages that the caller encoded, by protocol.
    Encoded,
}

impl Format {
    /// The formats of sends.
    pub(super) const CONTENT_TYPES: [(&'static str, Self); 3] = [
        ("application/json", Self::Json),
        ("application/x-msgpack", Self::MessagePack),
        ("application/octet-stream", Self::Encoded),
    ];

    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let content_type = headers.get(header::CONTENT_TYPE);
        let content_type = content_type.map_or("", |value| value.to_str().unwrap_or("?"));
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        Self::CONTENT_TYPES
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(media_type))
            .map(|(_, format)| format)
            .ok_or_else(|| Error::unsupported_media_type(content_type))
    }
}

/// The message in the body of a send.
pub(super) fn message(call: &Call) -> Result<Arc<Message>, Error> {
    let content = match Format::of(&call.headers)? {
        Format::Encoded => encoded::content(&call.body)?,
        format => invocation(parse(&call.body, format)?, None),
    };
    Ok(Arc::new(Message::new(content)))
}

/// The invocation in the body of `:invoke`. One that comes encoded is taken apart, since it needs
/// an id of the service's own.
pub(super) fn blocking_invocation(
    call: &Call,
    invocation_id: String,
) -> Result<Arc<Message>, Error> {
    let payload = match Format::of(&call.headers)? {
        Format::Encoded => {
            let Content::Encoded { json: Some(frame), .. } = encoded::content(&call.body)? else {
                let problem = "the map has no 'json'; an invocation needs it to be answered";
                return Err(Error::bad("body", problem));
            };
            parse(frame.strip_suffix(b"\x1e").unwrap_or(&frame), Format::Json)?
        }
        format => parse(&call.body, format)?,
    };
    Ok(Arc::new(Message::new(invocation(payload, Some(invocation_id)))))
}

/// The item in the body of `streams/…/:send`.
pub(super) fn stream_item(call: &Call, stream_id: String) -> Result<Arc<Message>, Error> {
    let content = match Format::of(&call.headers)? {
        Format::Encoded => encoded::content(&call.body)?,
        Format::Json => Content::StreamItem { stream_id, item: json(&call.body)? },
        Format::MessagePack => Content::StreamItem { stream_id, item: unpack(&call.body)? },
    };
    Ok(Arc::new(Message::new(content)))
}

pub(super) fn invocation(payload: PayloadMessage, invocation_id: Option<String>) -> Content {
    let PayloadMessage { target, arguments } = payload;
    Content::Invocation { target, arguments, invocation_id }
}

fn parse(body: &[u8], format: Format) -> Result<PayloadMessage, Error> {
    let parsed = match format {
        Format::MessagePack => serde_json::from_str(unpack(body)?.get()),
        Format::Json | Format::Encoded => serde_json::from_slice(body),
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
