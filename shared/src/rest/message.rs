//! A message for clients: the name of a method and its arguments.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::Error;

/// An invocation of a client's method.
///
/// The arguments are kept as JSON text, so big integers and the order of keys do not change.
///
/// ```
/// use signalr_serverless::rest::Message;
///
/// let message = Message::new("newMessage", &("ann", 1))?;
/// assert_eq!(
///     serde_json::to_string(&message).unwrap(),
///     r#"{"target":"newMessage","arguments":["ann",1]}"#
/// );
/// # Ok::<(), signalr_serverless::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    target: Box<str>,
    #[serde(serialize_with = "array")]
    arguments: Option<Box<RawValue>>,
}

impl Message {
    /// A message with arguments from a slice, an array or a tuple; `&()` means none.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if the target is empty or the arguments do not become a JSON array,
    /// and [`Error::Unserializable`] if they cannot become JSON.
    pub fn new<A: Serialize + ?Sized>(target: &str, arguments: &A) -> Result<Self, Error> {
        let arguments = to_raw_value(arguments).map_err(Error::Unserializable)?;
        Self::from_raw(target, arguments)
    }

    /// A message with arguments that are JSON already: an array, or `null` for none.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if the target is empty or the arguments are not an array.
    ///
    /// ```
    /// use serde_json::value::RawValue;
    /// use signalr_serverless::rest::Message;
    ///
    /// let arguments = RawValue::from_string("[12345678901234567890123]".to_owned()).unwrap();
    /// assert!(Message::from_raw("count", arguments).is_ok());
    /// ```
    pub fn from_raw(target: &str, arguments: Box<RawValue>) -> Result<Self, Error> {
        if target.is_empty() {
            return Err(Error::InvalidValue {
                what: "target",
                problem: "is empty".to_owned(),
                remedy: "use the name of the client's method",
            });
        }
        match arguments.get().as_bytes().first() {
            Some(b'[') => Ok(Self { target: target.into(), arguments: Some(arguments) }),
            Some(b'n') => Ok(Self { target: target.into(), arguments: None }),
            _ => Err(Error::InvalidValue {
                what: "arguments",
                problem: "are not a JSON array".to_owned(),
                remedy: "use an array, a slice or a tuple with one element per argument",
            }),
        }
    }

    /// The name of the client's method.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }
}

fn array<S: serde::Serializer>(
    arguments: &Option<Box<RawValue>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match arguments {
        Some(arguments) => arguments.serialize(serializer),
        None => serializer.collect_seq(std::iter::empty::<()>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn arguments_arrive_to_the_letter() {
        for json in [
            "[]",
            "[123456789012345678901234567890, 1.0, 1e400, -0]",
            r#"[{"z":1,"a":{"z":2,"a":3}}, "2024-01-01T00:00:00Z", "\u00e9", null]"#,
        ] {
            let message = Message::from_raw("m", raw(json)).unwrap();
            let body = serde_json::to_string(&message).unwrap();
            assert_eq!(body, format!(r#"{{"target":"m","arguments":{json}}}"#));
        }
    }

    #[test]
    fn no_arguments_make_an_empty_array() {
        let messages = [
            Message::new("m", &()).unwrap(),
            Message::new::<[u8]>("m", &[]).unwrap(),
            Message::from_raw("m", raw("null")).unwrap(),
        ];
        for message in messages {
            let body = serde_json::to_string(&message).unwrap();
            assert_eq!(body, r#"{"target":"m","arguments":[]}"#);
        }
    }

    #[test]
    fn bad_targets_and_arguments_are_refused() {
        let target = Message::new("", &()).unwrap_err();
        assert_eq!(target.to_string(), "target is empty; use the name of the client's method");
        for json in ["1", "{}", "\"[]\"", "true"] {
            let error = Message::from_raw("m", raw(json)).unwrap_err().to_string();
            assert!(error.starts_with("arguments are not a JSON array"), "{json}: {error}");
        }
        let no_json = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(matches!(Message::new("m", &(no_json,)), Err(Error::Unserializable(_))));
    }
}
