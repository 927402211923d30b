//! One event, in the form for viewers.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::identity::Identity;

/// An event. Names and texts are borrowed, so an event that no viewer wants is never copied.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    pub(crate) kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<&'a str>,
    /// A short detail: a method, a reason, a change, an upstream's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) what: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<usize>,
    /// The result of an upstream call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) milliseconds: Option<f64>,
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// A connection is open.
    Connect,
    /// A connection is gone.
    Disconnect,
    /// A message for clients was accepted.
    #[default]
    Message,
    /// A client called a method.
    Call,
    /// A connection joined a group or left one.
    Group,
    /// An upstream was called.
    Upstream,
    /// A token was refused.
    Refused,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Connect,
        Self::Disconnect,
        Self::Message,
        Self::Call,
        Self::Group,
        Self::Upstream,
        Self::Refused,
    ];

    /// The kind's name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::Message => "message",
            Self::Call => "call",
            Self::Group => "group",
            Self::Upstream => "upstream",
            Self::Refused => "refused",
        }
    }
}

impl<'a> Event<'a> {
    /// An event of one connection.
    pub(crate) fn of(kind: Kind, identity: &'a Identity) -> Self {
        Self {
            kind,
            hub: Some(identity.hub.as_str()),
            user: identity.user.as_ref().map(|user| user.as_str()),
            connection: Some(identity.id.as_str()),
            ..Self::default()
        }
    }

    /// The event as JSON, with its time in milliseconds since 1970.
    pub(super) fn to_json(self) -> String {
        #[derive(Serialize)]
        struct Timed<'a> {
            time: u64,
            #[serde(flatten)]
            event: Event<'a>,
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        // This never fails: texts and numbers always have a JSON form.
        serde_json::to_string(&Timed { time, event: self }).unwrap_or_default()
    }
}
