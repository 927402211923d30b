//! Messages as events of the live trace.

use signalr_serverless::{ConnectionId, HubName};

use super::{
    command::{Action, Step, Target},
    message::Message,
};
use crate::trace::{Event, Kind};

/// The messages of an action.
pub(super) fn messages<'a>(
    hub: &'a HubName,
    action: &'a Action,
) -> impl Iterator<Item = Event<'a>> {
    let (sent, steps) = match action {
        Action::Send { recipients, message } => (Some((&recipients.target, message)), &[][..]),
        Action::Execute { steps, .. } => (None, steps.as_slice()),
        Action::Close { .. } | Action::Groups { .. } => (None, &[][..]),
    };
    let of_steps = steps.iter().filter_map(|step| match step {
        Step::Send(message) => Some((&Target::Hub, message)),
        _ => None,
    });
    sent.into_iter().chain(of_steps).map(|(target, message)| event(hub, target, message))
}

/// A message that calls a method of one client and waits for the answer.
pub(super) fn invocation<'a>(
    hub: &'a HubName,
    connection: &'a ConnectionId,
    message: &'a Message,
) -> Event<'a> {
    Event { connection: Some(connection.as_str()), ..event(hub, &Target::Hub, message) }
}

fn event<'a>(hub: &'a HubName, target: &'a Target, message: &'a Message) -> Event<'a> {
    let mut event = Event {
        kind: Kind::Message,
        hub: Some(hub.as_str()),
        what: message.target(),
        bytes: Some(message.bytes()),
        ..Event::default()
    };
    match target {
        Target::Hub => {}
        Target::Group(group) => event.group = Some(group.as_str()),
        Target::User(user) => event.user = Some(user.as_str()),
        Target::Connection(connection) => event.connection = Some(connection.as_str()),
    }
    event
}
