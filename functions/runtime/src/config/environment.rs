//! Reads variables as trimmed text, in which a blank counts as unset, and describes wrong ones.

use std::{ffi::OsString, fmt, str::FromStr};

use crate::config::variable::{self, Variable};

/// A variable that is missing or wrong. The text names it, says what came and what would be right.
/// It never contains a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    variable: &'static str,
    problem: String,
}

impl ConfigError {
    /// Makes the error for a variable from what is wrong with it and what would be right.
    pub fn of(variable: Variable, problem: impl fmt::Display) -> Self {
        Self { variable: variable.name, problem: problem.to_string() }
    }
}

/// Takes the SDK's error for the connection string.
impl From<signalr_serverless::Error> for ConfigError {
    fn from(error: signalr_serverless::Error) -> Self {
        Self::of(variable::CONNECTION_STRING, error)
    }
}

/// The lookup. It trims every value and treats a blank one as unset.
pub(crate) struct Environment<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl<'a> Environment<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self(lookup)
    }

    pub(crate) fn text(&self, variable: Variable) -> Result<Option<String>, ConfigError> {
        let Some(value) = (self.0)(variable.name) else { return Ok(None) };
        let text = value
            .into_string()
            .map_err(|_| ConfigError::of(variable, "is not UTF-8; write it as UTF-8 text"))?;
        Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned))
    }

    pub(crate) fn parse<T: FromStr<Err: fmt::Display>>(
        &self,
        variable: Variable,
    ) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(variable)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| ConfigError::of(variable, error))
    }

    /// `true` or `false`; unset is `false`.
    pub(crate) fn flag(&self, variable: Variable) -> Result<bool, ConfigError> {
        match self.text(variable)?.as_deref() {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(other) => {
                Err(ConfigError::of(variable, format!("'{other}' is not known; use true or false")))
            }
        }
    }

    /// The entries between commas, trimmed, without empty ones.
    pub(crate) fn list(&self, variable: Variable) -> Result<Option<Vec<String>>, ConfigError> {
        let Some(text) = self.text(variable)? else { return Ok(None) };
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let entries: Vec<_> = entries.map(str::to_owned).collect();
        if entries.is_empty() {
            return Err(ConfigError::of(
                variable,
                "is a list without entries; fill it or unset it",
            ));
        }
        Ok(Some(entries))
    }
}
