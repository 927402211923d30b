//! A message and its recipient, in the shape of the Azure Functions `signalR` output binding.

use serde::Deserialize;
use serde_json::value::RawValue;
use signalr_function_runtime::{Endpoints, Field};
use signalr_serverless::{
    ConnectionId, Error, GroupName, UserId,
    rest::{Hub, Message},
};

/// A message as it arrives, also from workers of Azure Functions. Workers of .NET write names in
/// Pascal case, and `null` for fields that are not set. Other fields are refused: a misspelt
/// `groupName` must not make a message for everyone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct MessageJson {
    #[serde(default, alias = "Target")]
    target: Field<String>,
    #[serde(default, alias = "Arguments")]
    arguments: Field<Box<RawValue>>,
    #[serde(default, alias = "ConnectionId")]
    connection_id: Field<ConnectionId>,
    #[serde(default, alias = "UserId")]
    user_id: Field<UserId>,
    #[serde(default, alias = "GroupName")]
    group_name: Field<GroupName>,
    #[serde(default, alias = "Excluded")]
    excluded: Field<Vec<ConnectionId>>,
    #[serde(default, alias = "Endpoints")]
    endpoints: Endpoints,
}

/// A message and its recipient.
#[derive(Debug)]
pub(crate) struct Addressed {
    message: Message,
    recipients: Recipients,
    endpoints: Endpoints,
}

#[derive(Debug)]
enum Recipients {
    All { excluded: Vec<ConnectionId> },
    Group { name: GroupName, excluded: Vec<ConnectionId> },
    User(UserId),
    Connection(ConnectionId),
}

impl Addressed {
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

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

/// If several recipients are named, the connection has priority over the user, and the user over
/// the group, as in the binding.
impl TryFrom<MessageJson> for Addressed {
    type Error = String;

    fn try_from(json: MessageJson) -> Result<Self, String> {
        json.refuse_forgotten_recipient()?;
        let MessageJson {
            target,
            arguments,
            connection_id,
            user_id,
            group_name,
            excluded,
            endpoints,
        } = json;
        let target = match target {
            Field::Value(target) => target,
            Field::Absent => return Err("missing field `target`".to_owned()),
            Field::Null => {
                return Err("target is null; name the method that clients are to run".to_owned());
            }
        };
        let arguments = match arguments {
            Field::Value(arguments) => arguments,
            // A worker sends `null` for a message without arguments.
            Field::Null => RawValue::from_string("[]".to_owned()).map_err(|e| e.to_string())?,
            Field::Absent => return Err("missing field `arguments`".to_owned()),
        };
        let message = Message::from_raw(&target, arguments).map_err(|error| error.to_string())?;
        let excluded = excluded.value().unwrap_or_default();
        let recipients = match (connection_id.value(), user_id.value(), group_name.value()) {
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
        Ok(Self { message, recipients, endpoints })
    }
}

impl MessageJson {
    /// Refuses a recipient that is `null` by mistake. `null` is accepted if all three recipients are
    /// there, as in workers' messages for everyone, or if another recipient has a value. A single `null`
    /// is probably a forgotten value.
    fn refuse_forgotten_recipient(&self) -> Result<(), String> {
        let recipients = [
            ("connectionId", self.connection_id.has_value(), self.connection_id.is_null()),
            ("userId", self.user_id.has_value(), self.user_id.is_null()),
            ("groupName", self.group_name.has_value(), self.group_name.is_null()),
        ];
        let has_one = recipients.iter().any(|(_, has_value, _)| *has_value);
        let is_for_everyone = recipients.iter().all(|(.., is_null)| *is_null);
        let null = recipients.iter().find(|(.., is_null)| *is_null);
        match null {
            Some((name, ..)) if !has_one && !is_for_everyone => Err(format!(
                "{name} is null, and a value that was forgotten must not make a message for everyone; \
                 leave it out, or set connectionId, userId and groupName to null, if everyone is meant"
            )),
            _ => Ok(()),
        }
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
    fn messages_are_taken_as_workers_write_them() {
        let dotnet = |recipients: &str| {
            let rest = r#""Target":"t","Arguments":["x"],"Endpoints":null"#;
            parse(&format!("{{{recipients},{rest}}}")).unwrap().recipients
        };
        assert!(matches!(
            dotnet(r#""ConnectionId":null,"UserId":null,"GroupName":null"#),
            Recipients::All { excluded } if excluded.is_empty()
        ));
        assert!(matches!(
            dotnet(r#""ConnectionId":null,"UserId":null,"GroupName":"g""#),
            Recipients::Group { .. }
        ));
        assert!(matches!(
            dotnet(r#""ConnectionId":null,"UserId":"u","GroupName":null"#),
            Recipients::User(_)
        ));
        assert!(matches!(
            dotnet(r#""ConnectionId":"c","UserId":null,"GroupName":null"#),
            Recipients::Connection(_)
        ));
        for javascript in [
            r#"{"target":"t","arguments":["x"],"userId":"u","groupName":null}"#,
            r#"{"target":"t","arguments":null}"#,
            r#"{"target":"t","arguments":[],"excluded":null,"endpoints":null}"#,
        ] {
            assert!(parse(javascript).is_ok(), "{javascript}");
        }
        let without_arguments = parse(r#"{"Target":"t","Arguments":null}"#).unwrap().message;
        let json = serde_json::to_value(&without_arguments).unwrap();
        assert_eq!(json["arguments"], serde_json::json!([]));
    }

    #[test]
    fn a_message_for_other_services_is_refused() {
        let check = |endpoints: &str| {
            let json = format!(r#"{{"target":"t","arguments":[],"endpoints":{endpoints}}}"#);
            parse(&json).unwrap().endpoints.check("https://x.net")
        };
        for ours in [
            "null",
            r#"[{"endpointType":"Primary","name":"","endpoint":"https://x.net","online":true}]"#,
            r#"[{"Endpoint":"https://y.net"},{"Endpoint":"https://X.net/"}]"#,
        ] {
            assert_eq!(check(ours), Ok(()), "{ours}");
        }
        for others in ["[]", r#"[{"endpoint":"https://y.net"}]"#] {
            assert!(check(others).unwrap_err().contains("do not name https://x.net"), "{others}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, part) in [
            (r#"{"arguments":[]}"#, "missing field `target`"),
            (r#"{"target":"t"}"#, "missing field `arguments`"),
            (r#"{"target":"","arguments":[]}"#, "target is empty"),
            (r#"{"target":1,"arguments":[]}"#, "expected a string"),
            (r#"{"target":null,"arguments":[]}"#, "target is null; name the method"),
            (r#"{"target":"t","Target":"t","arguments":[]}"#, "duplicate field `target`"),
            (r#"{"target":"t","arguments":[],"userId":null}"#, "userId is null, and a value"),
            (
                r#"{"target":"t","arguments":[],"userId":null,"groupName":null}"#,
                "userId is null, and a value",
            ),
            (r#"{"target":"t","arguments":"hi"}"#, "arguments are not a JSON array"),
            (r#"{"target":"t","arguments":{}}"#, "arguments are not a JSON array"),
            (r#"{"target":"t","arguments":[],"groupname":"g"}"#, "unknown field `groupname`"),
            (r#"{"target":"t","arguments":[],"groupName":null}"#, "groupName is null, and a value"),
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
