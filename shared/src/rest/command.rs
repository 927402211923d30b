//! The commands for connections that a filter matches.

use serde::Serialize;

use super::message::Message;
use crate::name::GroupName;

/// A command of [`Hub::execute`](super::Hub::execute), executed for each connection.
///
/// ```
/// use signalr_serverless::{GroupName, rest::Command};
///
/// let join = Command::JoinGroup { group: GroupName::parse("readers")? };
/// let json = serde_json::to_string(&join).unwrap();
/// assert_eq!(json, r#"{"type":"JoinGroup","group":"readers"}"#);
/// # Ok::<(), signalr_serverless::NameError>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Command {
    /// Sends to the connection.
    SendMessage {
        /// The message.
        message: Message,
    },
    /// Adds the connection to a group.
    JoinGroup {
        /// The group.
        group: GroupName,
    },
    /// Removes the connection from a group.
    LeaveGroup {
        /// The group.
        group: GroupName,
    },
    /// Closes the connection.
    CloseConnection {
        /// The reason for the client. It gets the reason only if its token asks for detailed
        /// errors.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Command {
    pub(super) fn is_send(&self) -> bool {
        matches!(self, Self::SendMessage { .. })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn commands_are_written_as_published() {
        let group = || GroupName::parse("g").unwrap();
        let arguments = RawValue::from_string("[12345678901234567890123]".to_owned()).unwrap();
        let message = Message::from_raw("m", arguments).unwrap();
        let commands = [
            Command::SendMessage { message },
            Command::JoinGroup { group: group() },
            Command::LeaveGroup { group: group() },
            Command::CloseConnection { reason: Some("r".to_owned()) },
            Command::CloseConnection { reason: None },
        ];
        let expected = concat!(
            r#"[{"type":"SendMessage","message":{"target":"m","arguments":[12345678901234567890123]}},"#,
            r#"{"type":"JoinGroup","group":"g"},{"type":"LeaveGroup","group":"g"},"#,
            r#"{"type":"CloseConnection","reason":"r"},{"type":"CloseConnection"}]"#
        );
        assert_eq!(serde_json::to_string(&commands).unwrap(), expected);
    }
}
