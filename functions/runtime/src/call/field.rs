//! A field of an item that may be missing or `null`.

use serde::{Deserialize, Deserializer};

/// A field that may be missing or `null`. The two differ: code that fills in a record writes `null`
/// for fields without a value. If a caller forgot to fill `groupName`, the message must not go to
/// everyone.
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
    /// The field is missing.
    #[default]
    Absent,
    /// The field is `null`.
    Null,
    /// The field has a value.
    Value(T),
}

impl<T> Field<T> {
    /// The value; `None` if the field is missing or `null`.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Whether the field has a value.
    pub const fn has_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// Whether the field is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}
