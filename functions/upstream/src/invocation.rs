//! A client's call of a method.

use rmpv::{Value, decode::read_value_with_max_depth};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use signalr_serverless::upstream::{Encoding, INVOCATION};

const MAX_DEPTH: usize = 256;

/// A received call.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The id of the call, if the client waits for an answer.
    pub(crate) id: Option<String>,
    pub(crate) target: String,
    pub(crate) arguments: Arguments,
}

/// Arguments whose types the method decides.
#[derive(Debug)]
pub(crate) enum Arguments {
    Json(Box<RawValue>),
    MessagePack(Value),
}

impl Invocation {
    /// Parses one hub message without its frame.
    pub(crate) fn parse(encoding: Encoding, body: &[u8]) -> Result<Self, String> {
        match encoding {
            Encoding::Json => from_json(body),
            Encoding::MessagePack => from_message_pack(body),
        }
    }
}

fn from_json(body: &[u8]) -> Result<Invocation, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Json {
        r#type: u64,
        invocation_id: Option<String>,
        target: String,
        arguments: Box<RawValue>,
    }
    let text = str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
    let json: Json = serde_json::from_str(text)
        .map_err(|error| format!("the body is not an invocation in JSON: {error}"))?;
    check_type(json.r#type)?;
    if !json.arguments.get().starts_with('[') {
        return Err("the arguments are not an array".to_owned());
    }
    let Json { invocation_id: id, target, arguments, .. } = json;
    Ok(Invocation { id, target, arguments: Arguments::Json(arguments) })
}

/// `[1, headers, invocationId, target, [arguments], [streamIds]?]`
fn from_message_pack(mut body: &[u8]) -> Result<Invocation, String> {
    let value = read_value_with_max_depth(&mut body, MAX_DEPTH)
        .map_err(|error| format!("the body is not MessagePack: {error}"))?;
    if !body.is_empty() {
        return Err(format!("{} bytes come behind the invocation", body.len()));
    }
    let Value::Array(fields) = value else {
        return Err("the body is not an array, as hub messages are".to_owned());
    };
    let mut fields = fields.into_iter();
    let r#type = fields.next().and_then(|value| value.as_u64());
    check_type(r#type.ok_or("the message has no type")?)?;
    let (_headers, id) = (fields.next(), fields.next());
    let id = match id {
        Some(Value::Nil) => None,
        Some(Value::String(id)) => Some(id.into_str().ok_or("the invocation id is not UTF-8")?),
        _ => return Err("the invocation id is neither nil nor a string".to_owned()),
    };
    let target = match fields.next() {
        Some(Value::String(target)) => target.into_str().ok_or("the target is not UTF-8")?,
        _ => return Err("the target is not a string".to_owned()),
    };
    let arguments = match fields.next() {
        Some(arguments @ Value::Array(_)) => Arguments::MessagePack(arguments),
        _ => return Err("the arguments are not an array".to_owned()),
    };
    Ok(Invocation { id, target, arguments })
}

fn check_type(r#type: u64) -> Result<(), String> {
    match r#type {
        _ if r#type == u64::from(INVOCATION) => Ok(()),
        4 => Err("methods that answer with a stream are not served here".to_owned()),
        other => Err(format!("the message has type {other}; an invocation has {INVOCATION}")),
    }
}

impl Arguments {
    pub(crate) fn encoding(&self) -> Encoding {
        match self {
            Self::Json(_) => Encoding::Json,
            Self::MessagePack(_) => Encoding::MessagePack,
        }
    }

    /// The arguments as the types of a method: a tuple, an array or a `Vec`, and `()` for none.
    pub(crate) fn read<A: DeserializeOwned>(self) -> Result<A, String> {
        match self {
            Self::Json(arguments) => {
                let text = arguments.get();
                let read = serde_json::from_str(text).map_err(|error| match error.classify() {
                    // The text is valid JSON, so the rest of it are further elements.
                    serde_json::error::Category::Syntax => "there are too many".to_owned(),
                    _ => error.to_string(),
                });
                // `()` is read from null; no tuple is.
                let is_empty = text[1..].trim_ascii_start() == "]";
                read.or_else(|error| match is_empty {
                    true => serde_json::from_str("null").map_err(|_| error),
                    false => Err(error),
                })
            }
            Self::MessagePack(arguments) => {
                let is_empty = arguments.as_array().is_some_and(Vec::is_empty);
                let read = rmpv::ext::from_value(arguments).map_err(|error| error.to_string());
                read.or_else(|error| match is_empty {
                    true => rmpv::ext::from_value(Value::Nil).map_err(|_| error),
                    false => Err(error),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
