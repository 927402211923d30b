//! The lines that are logged, and their form.

use signalr_log::{Format, Log};
use tracing::level_filters::LevelFilter;

use crate::config::{
    environment::{ConfigError, Environment},
    listen::Listen,
    variable,
};

/// On Lambda and Azure, machines collect the log of functions.
pub(crate) fn from_environment(
    environment: &Environment<'_>,
    listen: Listen,
) -> Result<Log, ConfigError> {
    let usual = match listen {
        Listen::Lambda | Listen::Azure { .. } => Format::Json,
        Listen::Local { .. } => Format::Text,
    };
    let format = environment.parse(variable::LOG_FORMAT)?.unwrap_or(usual);
    let filter = environment.text(variable::LOG_FILTER)?.unwrap_or_default();
    Log::new(&filter, LevelFilter::INFO, format)
        .map_err(|error| ConfigError::of(variable::LOG_FILTER, error))
}
