//! A field of an item that may be left out or `null`.

use serde::{Deserialize, Deserializer};

/// A field that may be left out or `null`. The two differ: code that fills in a record writes `null`
/// for what it does not mean, and somebody who forgot to fill `groupName` does not mean everyone.
///
/// ```
/// use serde::Deserialize;
/// use signalr_function_runtime::Field;
///
/// #[derive(Deserialize)]
/// struct Json {
///     #[serde(default)]
///     name: Field<String>,
/// }
/// let json: Json = serde_json::from_str(r#"{"name":null}"#)?;
/// assert_eq!(json.name, Field::Null);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "JSON has no fourth way")]
pub enum Field<T> {
    /// It was left out.
    #[default]
    Absent,
    /// It is `null`.
    Null,
    /// It has a value.
    Value(T),
}

impl<T> Field<T> {
    /// The value; left out and `null` are none.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Whether it has a value.
    pub const fn has_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// Whether it is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}
