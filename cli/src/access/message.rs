//! A message as flags: a target and its arguments.

use clap::Args;
use serde_json::value::RawValue;
use signalr_serverless::rest::Message;

use crate::failure::Failure;

/// The message to send
#[derive(Args, Clone, Debug)]
pub(crate) struct MessageFlags {
    /// Name of the client's method
    #[arg(long, short, value_name = "METHOD")]
    pub(crate) target: String,

    /// Arguments of the method, a JSON array such as '["ann", 42]'
    #[arg(long, short, value_name = "JSON", default_value = "[]")]
    pub(crate) arguments: String,
}

impl MessageFlags {
    pub(crate) fn message(&self) -> Result<Message, Failure> {
        message(&self.target, &self.arguments)
    }
}

/// Makes a message from arguments that are text.
pub(crate) fn message(target: &str, arguments: &str) -> Result<Message, Failure> {
    let json = serde_json::from_str::<Box<RawValue>>(arguments)
        .map_err(|error| no_array(arguments, &error.to_string()))?;
    if !json.get().starts_with('[') {
        return Err(no_array(arguments, "it is JSON, and no array"));
    }
    Message::from_raw(target, json)
        .map_err(|error| Failure::Configuration(format!("--target: {error}")))
}

fn no_array(came: &str, problem: &str) -> Failure {
    Failure::Configuration(format!(
        "--arguments '{came}' is not a JSON array ({problem}). Quote it for the shell: \
         sh, bash, zsh: --arguments '[\"hello\", 42]'; PowerShell 7: --arguments '[\"hello\", 42]'; \
         Windows PowerShell 5: --arguments '[\\\"hello\\\", 42]'; cmd: --arguments \"[\\\"hello\\\", 42]\""
    ))
}
