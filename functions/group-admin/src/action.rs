//! The actions on groups. `add`, `remove` and `removeAll` have the shape of the Azure Functions
//! `signalR` output binding; `check` and `list` are ours.

use std::time::Duration;

use serde::Deserialize;
use signalr_function_runtime::{Endpoints, Field};
use signalr_serverless::{ConnectionId, GroupName, UserId, rest::Continuation};

/// An action as it arrives, also from workers of Azure Functions. Workers of .NET write names and
/// actions in Pascal case, and `null` for fields that are not set. Other fields are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ActionJson {
    #[serde(alias = "Action")]
    action: Verb,
    #[serde(default, alias = "GroupName")]
    group_name: Field<GroupName>,
    #[serde(default, alias = "UserId")]
    user_id: Field<UserId>,
    #[serde(default, alias = "ConnectionId")]
    connection_id: Field<ConnectionId>,
    /// The duration of the membership, in seconds.
    #[serde(default, alias = "Ttl")]
    ttl: Field<u32>,
    #[serde(default)]
    continuation: Field<String>,
    #[serde(default, alias = "Endpoints")]
    endpoints: Endpoints,
}

/// An action and the services for which it is meant.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) action: Action,
    pub(crate) endpoints: Endpoints,
}

impl TryFrom<ActionJson> for Asked {
    type Error = String;

    fn try_from(mut json: ActionJson) -> Result<Self, String> {
        let endpoints = std::mem::take(&mut json.endpoints);
        Ok(Self { action: json.try_into()?, endpoints })
    }
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Verb {
    #[serde(alias = "Add")]
    Add,
    #[serde(alias = "Remove")]
    Remove,
    #[serde(alias = "RemoveAll")]
    RemoveAll,
    Check,
    List,
}

/// An action with exactly the fields that it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    AddConnection { group: GroupName, connection: ConnectionId },
    AddUser { group: GroupName, user: UserId, ttl: Option<Duration> },
    Remove { group: GroupName, member: Member },
    RemoveFromAll { member: Member },
    IsUserInGroup { group: GroupName, user: UserId },
    GroupExists { group: GroupName },
    MemberExists { member: Member },
    List { group: GroupName, from: Option<Continuation> },
}

/// A member of groups.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Connection(ConnectionId),
    User(UserId),
}

/// If both ids are given, the connection's id counts, as in the binding.
impl TryFrom<ActionJson> for Action {
    type Error = String;

    fn try_from(json: ActionJson) -> Result<Self, String> {
        json.refuse_superfluous()?;
        json.refuse_null()?;
        let ActionJson { action, group_name, user_id, connection_id, ttl, continuation, .. } = json;
        let (group_name, ttl) = (group_name.value(), ttl.value());
        let member = match (connection_id.value(), user_id.value()) {
            (Some(id), _) => Some(Member::Connection(id)),
            (None, Some(id)) => Some(Member::User(id)),
            (None, None) => None,
        };
        let group = || group_name.clone().ok_or("groupName is missing; name the group");
        let who = "userId and connectionId are missing; give one of them";

        Ok(match (action, member) {
            (Verb::Add, Some(Member::Connection(connection))) => {
                Self::AddConnection { group: group()?, connection }
            }
            (Verb::Add, Some(Member::User(user))) => {
                let ttl = ttl.map(|seconds| Duration::from_secs(seconds.into()));
                Self::AddUser { group: group()?, user, ttl }
            }
            (Verb::Remove, Some(member)) => Self::Remove { group: group()?, member },
            (Verb::RemoveAll, Some(member)) => Self::RemoveFromAll { member },
            (Verb::Add | Verb::Remove | Verb::RemoveAll, None) => return Err(who.to_owned()),
            (Verb::Check, member) => match (group_name, member) {
                (Some(group), Some(Member::User(user))) => Self::IsUserInGroup { group, user },
                (Some(_), Some(Member::Connection(_))) => {
                    return Err("check cannot tell whether a connection is in a group; give userId with groupName, or connectionId alone".to_owned());
                }
                (Some(group), None) => Self::GroupExists { group },
                (None, Some(member)) => Self::MemberExists { member },
                (None, None) => {
                    return Err("check needs groupName, userId or connectionId".to_owned());
                }
            },
            (Verb::List, _) => {
                let from = continuation.value();
                let from = from.as_deref().map(Continuation::parse).transpose();
                Self::List { group: group()?, from: from.map_err(|error| error.to_string())? }
            }
        })
    }
}

impl ActionJson {
    /// Refuses `null` in `check` and `list`. There a missing field has another meaning, and workers
    /// do not write these actions. In other actions `null` means the same as a missing field.
    fn refuse_null(&self) -> Result<(), String> {
        let is = |verb| self.action == verb;
        let asks = "and check asks something else without it";
        let nulls = [
            (is(Verb::Check) && self.group_name.is_null(), "groupName", asks),
            (is(Verb::Check) && self.user_id.is_null(), "userId", asks),
            (is(Verb::Check) && self.connection_id.is_null(), "connectionId", asks),
            (
                is(Verb::List) && self.continuation.is_null(),
                "continuation",
                "and the list would begin again",
            ),
        ];
        match nulls.iter().find(|(applies, ..)| *applies) {
            Some((_, name, why)) => {
                Err(format!("{name} is null, {why}; leave it out if that is meant"))
            }
            None => Ok(()),
        }
    }

    /// Refuses fields without effect, because the caller expects an effect.
    fn refuse_superfluous(&self) -> Result<(), String> {
        let is = |verb| self.action == verb;
        let refusals = [
            (
                self.ttl.has_value() && (!is(Verb::Add) || self.connection_id.has_value()),
                "ttl works only when a user is added; leave it out",
            ),
            (
                self.continuation.has_value() && !is(Verb::List),
                "continuation works only with list; leave it out",
            ),
            (
                self.group_name.has_value() && is(Verb::RemoveAll),
                "removeAll is for all groups; leave groupName out, or use remove",
            ),
            (
                is(Verb::List) && (self.user_id.has_value() || self.connection_id.has_value()),
                "list shows a whole group; leave userId and connectionId out, or use check",
            ),
        ];
        match refusals.iter().find(|(applies, _)| *applies) {
            Some((_, reason)) => Err((*reason).to_owned()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Action, String> {
        let json: ActionJson = serde_json::from_str(json).map_err(|error| error.to_string())?;
        json.try_into()
    }

    fn group() -> GroupName {
        GroupName::parse("g").unwrap()
    }

    fn user() -> UserId {
        UserId::parse("u").unwrap()
    }

    fn connection() -> ConnectionId {
        ConnectionId::parse("c").unwrap()
    }

    #[test]
    fn every_action_is_told_by_its_fields() {
        let ttl = Some(Duration::from_secs(60));
        for (json, action) in [
            (
                r#"{"action":"add","groupName":"g","connectionId":"c","userId":"u"}"#,
                Action::AddConnection { group: group(), connection: connection() },
            ),
            (
                r#"{"action":"add","groupName":"g","userId":"u","ttl":60}"#,
                Action::AddUser { group: group(), user: user(), ttl },
            ),
            (
                r#"{"action":"add","groupName":"g","userId":"u"}"#,
                Action::AddUser { group: group(), user: user(), ttl: None },
            ),
            (
                r#"{"action":"remove","groupName":"g","userId":"u"}"#,
                Action::Remove { group: group(), member: Member::User(user()) },
            ),
            (
                r#"{"action":"removeAll","connectionId":"c"}"#,
                Action::RemoveFromAll { member: Member::Connection(connection()) },
            ),
            (
                r#"{"action":"check","groupName":"g","userId":"u"}"#,
                Action::IsUserInGroup { group: group(), user: user() },
            ),
            (r#"{"action":"check","groupName":"g"}"#, Action::GroupExists { group: group() }),
            (
                r#"{"action":"check","userId":"u"}"#,
                Action::MemberExists { member: Member::User(user()) },
            ),
            (
                r#"{"action":"check","connectionId":"c"}"#,
                Action::MemberExists { member: Member::Connection(connection()) },
            ),
            (
                r#"{"action":"list","groupName":"g","continuation":"x"}"#,
                Action::List { group: group(), from: Continuation::parse("x").ok() },
            ),
        ] {
            assert_eq!(parse(json).unwrap(), action, "{json}");
        }
    }

    #[test]
    fn actions_are_taken_as_workers_write_them() {
        let dotnet = |action: &str, fields: &str| {
            parse(&format!(r#"{{"Action":"{action}",{fields},"Endpoints":null}}"#)).unwrap()
        };
        assert_eq!(
            dotnet("Add", r#""ConnectionId":null,"UserId":"u","GroupName":"g","Ttl":null"#),
            Action::AddUser { group: group(), user: user(), ttl: None }
        );
        assert_eq!(
            dotnet("Add", r#""ConnectionId":"c","UserId":null,"GroupName":"g""#),
            Action::AddConnection { group: group(), connection: connection() }
        );
        assert_eq!(
            dotnet("Remove", r#""ConnectionId":null,"UserId":"u","GroupName":"g""#),
            Action::Remove { group: group(), member: Member::User(user()) }
        );
        assert_eq!(
            dotnet("RemoveAll", r#""ConnectionId":null,"UserId":"u","GroupName":null"#),
            Action::RemoveFromAll { member: Member::User(user()) }
        );
        assert_eq!(
            parse(r#"{"action":"add","groupName":"g","userId":"u","ttl":null}"#),
            Ok(Action::AddUser { group: group(), user: user(), ttl: None })
        );
        assert_eq!(
            parse(r#"{"action":"list","groupName":"g","userId":null,"endpoints":null}"#),
            Ok(Action::List { group: group(), from: None })
        );
    }

    #[test]
    fn what_is_missing_wrong_or_superfluous_is_named() {
        for (json, part) in [
            (r#"{"groupName":"g"}"#, "missing field `action`"),
            (r#"{"action":"join"}"#, "unknown variant `join`, expected one of"),
            (r#"{"action":"removeall","userId":"u"}"#, "unknown variant `removeall`"),
            (r#"{"action":"add","group":"g","userId":"u"}"#, "unknown field `group`"),
            (r#"{"action":"add","groupName":"g"}"#, "userId and connectionId are missing"),
            (r#"{"action":"add","userId":"u"}"#, "groupName is missing"),
            (r#"{"action":"remove","connectionId":"c"}"#, "groupName is missing"),
            (r#"{"action":"removeAll"}"#, "userId and connectionId are missing"),
            (r#"{"action":"removeAll","userId":"u","groupName":"g"}"#, "leave groupName out"),
            (r#"{"action":"check"}"#, "check needs groupName"),
            (r#"{"action":"check","groupName":"g","connectionId":"c"}"#, "check cannot tell"),
            (r#"{"action":"list"}"#, "groupName is missing"),
            (r#"{"action":"list","groupName":"g","userId":"u"}"#, "list shows a whole group"),
            (r#"{"action":"list","groupName":"g","continuation":""}"#, "continuation is empty"),
            (
                r#"{"action":"add","groupName":"g","connectionId":"c","ttl":1}"#,
                "ttl works only when a user is added",
            ),
            (r#"{"action":"remove","groupName":"g","userId":"u","ttl":1}"#, "ttl works only"),
            (r#"{"action":"add","groupName":"g","userId":"u","ttl":-1}"#, "invalid value"),
            (r#"{"action":"add","groupName":"g","userId":"u","ttl":1.5}"#, "invalid type"),
            (r#"{"action":"check","groupName":null,"userId":"u"}"#, "groupName is null, and check"),
            (r#"{"action":"check","groupName":"g","userId":null}"#, "userId is null, and check"),
            (
                r#"{"action":"list","groupName":"g","continuation":null}"#,
                "continuation is null, and",
            ),
            (r#"{"action":"Join","groupName":"g","userId":"u"}"#, "unknown variant `Join`"),
            (r#"{"action":"add","groupName":null,"userId":"u"}"#, "groupName is missing"),
            (r#"{"action":"add","groupName":"g","userId":null}"#, "userId and connectionId are"),
            (r#"{"action":"check","userId":"u","continuation":"x"}"#, "continuation works only"),
            (r#"{"action":"add","groupName":"","userId":"u"}"#, "group name '' is empty"),
            (r#"{"action":"add","groupName":"g","userId":["u"]}"#, "expected a string"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
