//! The body of a call: its bytes and their format.

use bytes::Bytes;
use http::{HeaderMap, header};

use super::error::Error;
use crate::{budget::QueueBudget, request_body};

/// The largest body, in bytes. Source: the limits of Azure's REST API.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// The body of a call.
#[derive(Debug)]
pub(super) struct Body {
    /// A call without a body ignores this.
    format: Result<Format, UnknownFormat>,
    pub(super) bytes: Bytes,
}

/// The format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    MessagePack,
    /// Hub messages that the caller encoded, by protocol.
    Encoded,
}

/// The content type of a body in an unknown format.
#[derive(Clone, Debug)]
struct UnknownFormat(String);

impl Body {
    /// Reads a body, with limits on its size and time.
    pub(super) async fn read(
        headers: &HeaderMap,
        body: axum::body::Body,
        budget: &QueueBudget,
    ) -> Result<Self, Error> {
        let bytes = request_body::read(headers, body, MAX_BODY, budget).await?;
        check_encoding(headers)?;
        Ok(Self { format: Format::of(headers), bytes })
    }

    /// The format of the body.
    pub(super) fn format(&self) -> Result<Format, Error> {
        let format = self.format.as_ref();
        format.copied().map_err(|UnknownFormat(came)| Error::unsupported_media_type(came))
    }
}

/// Refuses a compressed body, so that it is not reported as invalid text.
fn check_encoding(headers: &HeaderMap) -> Result<(), Error> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    match encoding.map(str::trim) {
        None | Some("") => Ok(()),
        Some(plain) if plain.eq_ignore_ascii_case("identity") => Ok(()),
        Some(came) => Err(Error::unsupported_encoding(came)),
    }
}

impl Format {
    /// The formats of sends.
    pub(super) const CONTENT_TYPES: [(&'static str, Self); 3] = [
        ("application/json", Self::Json),
        ("application/x-msgpack", Self::MessagePack),
        ("application/octet-stream", Self::Encoded),
    ];

    fn of(headers: &HeaderMap) -> Result<Self, UnknownFormat> {
        let content_type = headers.get(header::CONTENT_TYPE);
        let content_type = content_type.map_or("", |value| value.to_str().unwrap_or("?"));
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        Self::CONTENT_TYPES
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(media_type))
            .map(|(_, format)| format)
            .ok_or_else(|| UnknownFormat(content_type.to_owned()))
    }
}
