//! Operations on a user and the user's groups.

use std::{sync::Arc, time::SystemTime};

use super::{call::Call, error::Error, message, reply::Success};
use crate::{
    hub::command::{Action, Target},
    state::State,
};

pub(super) async fn send(state: &State, call: Call) -> Result<Success, Error> {
    let message = message::message(&call.body)?;
    let recipients = Target::User(call.user()?).into();
    state.cluster.submit(call.hub, Action::Send { recipients, message }).await?;
    Ok(Success::Done)
}

/// Checks every user before anything is sent.
pub(super) async fn send_to_each(state: &State, call: Call) -> Result<Success, Error> {
    let message = message::message(&call.body)?;
    for user in call.users()? {
        let (recipients, message) = (Target::User(user).into(), Arc::clone(&message));
        state.cluster.submit(call.hub.clone(), Action::Send { recipients, message }).await?;
    }
    Ok(Success::Done)
}

pub(super) async fn close_connections(state: &State, call: Call) -> Result<Success, Error> {
    let recipients = call.recipients(Target::User(call.user()?))?;
    let reason = call.reason();
    state.cluster.submit(call.hub, Action::Close { recipients, reason }).await?;
    Ok(Success::Done)
}

pub(super) async fn exists(state: &State, call: Call) -> Result<Success, Error> {
    let target = Target::User(call.user()?);
    if state.cluster.exists(call.hub, target).await? {
        Ok(Success::Done)
    } else {
        Err(Error::no_user())
    }
}

pub(super) async fn is_in_group(state: &State, call: Call) -> Result<Success, Error> {
    if state.cluster.user_is_in_group(&call.membership()?, SystemTime::now()).await? {
        Ok(Success::Done)
    } else {
        Err(Error::user_not_in_group())
    }
}

pub(super) async fn add_to_group(state: &State, call: Call) -> Result<Success, Error> {
    state.hubs.user_groups.add(call.membership()?, call.ttl()?, SystemTime::now()).await?;
    Ok(Success::Done)
}

pub(super) async fn remove_from_group(state: &State, call: Call) -> Result<Success, Error> {
    state.hubs.user_groups.remove(call.membership()?).await?;
    Ok(Success::Done)
}

pub(super) async fn remove_from_all_groups(state: &State, call: Call) -> Result<Success, Error> {
    let user = call.user()?;
    state.hubs.user_groups.remove_all(&call.hub, &user).await?;
    Ok(Success::Done)
}
