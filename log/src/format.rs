//! How a line is written: for people, or for machines.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::Metadata;

use crate::fields::{Field, Fields};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// A JSON object in each line, for machines
    Json,
}

/// A text that names no format.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not known; use text or json")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(FormatError(other.to_owned())),
        }
    }
}

/// An event with all that its line says.
pub(crate) struct Line<'a> {
    pub(crate) at: OffsetDateTime,
    pub(crate) metadata: &'static Metadata<'static>,
    pub(crate) fields: &'a Fields,
    /// The span that the event is in.
    pub(crate) span: Option<(&'static str, &'a Fields)>,
}

impl Line<'_> {
    /// The line without its end.
    pub(crate) fn write(&self, format: Format) -> String {
        match format {
            Format::Text => self.to_string(),
            Format::Json => self.to_json().to_string(),
        }
    }

    fn to_json(&self) -> Value {
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), self.time().into());
        line.insert("level".to_owned(), self.metadata.level().as_str().into());
        line.insert("target".to_owned(), self.metadata.target().into());
        line.insert("message".to_owned(), self.fields.message.clone().into());
        line.extend(self.fields.to_json());
        if let Some((name, fields)) = self.span {
            let mut span = fields.to_json();
            span.insert("name".to_owned(), json!(name));
            line.insert("span".to_owned(), span.into());
        }
        line.into()
    }

    fn time(&self) -> String {
        self.at.format(&Rfc3339).unwrap_or_default()
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:>5} ", self.time(), self.metadata.level().as_str())?;
        if let Some((name, fields)) = self.span {
            write!(f, "{name}{{")?;
            write_fields(f, fields.all.iter().enumerate().map(|(at, field)| (at > 0, field)))?;
            f.write_str("}: ")?;
        }
        write!(f, "{}: {}", self.metadata.target(), self.fields.message)?;
        write_fields(f, self.fields.all.iter().map(|field| (true, field)))
    }
}

fn write_fields<'a>(
    f: &mut fmt::Formatter<'_>,
    fields: impl Iterator<Item = (bool, &'a Field)>,
) -> fmt::Result {
    for (is_behind_another, Field { name, value, is_quoted }) in fields {
        if is_behind_another {
            f.write_char(' ')?;
        }
        match value.as_str().filter(|_| !is_quoted) {
            Some(text) => write!(f, "{name}={text}")?,
            None => write!(f, "{name}={value}")?,
        }
    }
    Ok(())
}
