//! A message and whom it is for, in the shape of the Azure Functions `signalR` output binding.

use serde::Deserialize;
use serde_json::value::RawValue;
use signalr_function_runtime::not_null;
use signalr_serverless::{
    ConnectionId, Error, GroupName, UserId,
    rest::{Hub, Message},
};

/// A message as it comes. A field that is not among these is refused, since a misspelt `groupName`
/// must not make a message for everyone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct MessageJson {
    target: String,
    arguments: Box<RawValue>,
    #[serde(default, deserialize_with = "not_null")]
    connection_id: Option<ConnectionId>,
    #[serde(default, deserialize_with = "not_null")]
    user_id: Option<UserId>,
    #[serde(default, deserialize_with = "not_null")]
    group_name: Option<GroupName>,
    #[serde(default)]
    excluded: Vec<ConnectionId>,
}

/// A message and whom it is for.
#[derive(Debug)]
pub(crate) struct Addressed {
    message: Message,
    recipients: Recipients,
}

#[derive(Debug)]
enum Recipients {
    All { excluded: Vec<ConnectionId> },
    Group { name: GroupName, excluded: Vec<ConnectionId> },
    User(UserId),
    Connection(ConnectionId),
}

impl Addressed {
    pub(crate) async fn send(&self, hub: &Hub) -> Result<(), Error> {
        let message = &self.message;
        match &self.recipients {
            Recipients::All { excluded } => hub.broadcast_except(message, excluded).await,
            Recipients::Group { name, excluded } => {
                hub.group(name.clone()).send_except(message, excluded).await
            }
            Recipients::User(id) => hub.user(id.clone()).send(message).await,
            Recipients::Connection(id) => hub.connection(id.clone()).send(message).await,
        }
    }
}

/// If several are named, the connection goes before the user and the user before the group, as
/// in the binding.
impl TryFrom<MessageJson> for Addressed {
    type Error = String;

    fn try_from(json: MessageJson) -> Result<Self, String> {
        let MessageJson { target, arguments, connection_id, user_id, group_name, excluded } = json;
        if arguments.get() == "null" {
            return Err("arguments are null; use an array, [] for none".to_owned());
        }
        let message = Message::from_raw(&target, arguments).map_err(|error| error.to_string())?;
        let recipients = match (connection_id, user_id, group_name) {
            (Some(_), _, _) | (_, Some(_), _) if !excluded.is_empty() => {
                return Err(
                    "excluded works for groups and for all; leave it out with userId and connectionId"
                        .to_owned(),
                );
            }
            (Some(id), _, _) => Recipients::Connection(id),
            (None, Some(id), _) => Recipients::User(id),
            (None, None, Some(name)) => Recipients::Group { name, excluded },
            (None, None, None) => Recipients::All { excluded },
        };
        Ok(Self { message, recipients })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Addressed, String> {
        let json: MessageJson = serde_json::from_str(json).map_err(|error| error.to_string())?;
        json.try_into()
    }

    #[test]
    fn the_narrowest_recipient_counts() {
        let with = |fields: &str| {
            parse(&format!(r#"{{"target":"t","arguments":[]{fields}}}"#)).unwrap().recipients
        };
        assert!(matches!(with(""), Recipients::All { .. }));
        assert!(matches!(with(r#","groupName":"g""#), Recipients::Group { .. }));
        assert!(matches!(with(r#","groupName":"g","userId":"u""#), Recipients::User(_)));
        assert!(matches!(
            with(r#","groupName":"g","userId":"u","connectionId":"c""#),
            Recipients::Connection(_)
        ));
        assert!(matches!(
            with(r#","groupName":"g","excluded":["a","b"]"#),
            Recipients::Group { excluded, .. } if excluded.len() == 2
        ));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, part) in [
            (r#"{"arguments":[]}"#, "missing field `target`"),
            (r#"{"target":"t"}"#, "missing field `arguments`"),
            (r#"{"target":"","arguments":[]}"#, "target is empty"),
            (r#"{"target":1,"arguments":[]}"#, "expected a string"),
            (r#"{"target":"t","arguments":null}"#, "arguments are null; use an array"),
            (r#"{"target":"t","arguments":"hi"}"#, "arguments are not a JSON array"),
            (r#"{"target":"t","arguments":{}}"#, "arguments are not a JSON array"),
            (r#"{"target":"t","arguments":[],"groupname":"g"}"#, "unknown field `groupname`"),
            (r#"{"target":"t","arguments":[],"groupName":null}"#, "invalid type: null"),
            (r#"{"target":"t","arguments":[],"groupName":" "}"#, "group name ' ' is only white"),
            (r#"{"target":"t","arguments":[],"userId":""}"#, "user id '' is empty"),
            (r#"{"target":"t","arguments":[],"userId":7}"#, "expected a string"),
            (r#"{"target":"t","arguments":[],"excluded":"c"}"#, "expected a sequence"),
            (r#"{"target":"t","arguments":[],"excluded":[""]}"#, "connection id '' is empty"),
            (
                r#"{"target":"t","arguments":[],"userId":"u","excluded":["c"]}"#,
                "excluded works for groups and for all",
            ),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
