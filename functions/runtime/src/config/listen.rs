//! The source of calls: AWS Lambda, the host of Azure Functions, or this machine.

use crate::config::{
    environment::{ConfigError, Environment},
    variable::{self, Variable},
};

const DEFAULT_PORT: u16 = 7071;

/// The source of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Events of AWS Lambda.
    Lambda,
    /// The host of Azure Functions, which calls this port on 127.0.0.1.
    Azure {
        /// The port that the host chose.
        port: u16,
    },
    /// This machine, on 127.0.0.1.
    Local {
        /// The port; 0 means any free one.
        port: u16,
    },
}

impl Listen {
    pub(crate) fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        if environment.text(variable::LAMBDA_RUNTIME)?.is_some() {
            return if cfg!(feature = "lambda") {
                Ok(Self::Lambda)
            } else {
                Err(ConfigError::of(
                    variable::LAMBDA_RUNTIME,
                    "is set, but this program was built without its feature `lambda`; build it with",
                ))
            };
        }
        if let Some(port) = port(environment, variable::AZURE_PORT)? {
            return Ok(Self::Azure { port });
        }
        let port = port(environment, variable::PORT)?.unwrap_or(DEFAULT_PORT);
        Ok(Self::Local { port })
    }
}

fn port(environment: &Environment<'_>, variable: Variable) -> Result<Option<u16>, ConfigError> {
    let Some(text) = environment.text(variable)? else { return Ok(None) };
    let port = text.parse().map_err(|_| {
        ConfigError::of(variable, format!("'{text}' is not a port; use a number from 0 to 65535"))
    })?;
    Ok(Some(port))
}
