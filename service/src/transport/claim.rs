//! The right to a connection: by a token that this node keeps, or that any node of the cluster signed.

use std::{sync::Arc, time::SystemTime};

use super::endpoint::{Client, Refusal};
use crate::{
    broker::Interest,
    carrier::Transport,
    cluster::{Cluster, Joined},
    hub::{Refused, command::Target},
    identity::Identity,
    session::Terms,
    state::State,
    tokens::{Claim, ClaimError, SignedToken},
};

/// Takes a token for a transport of a client.
pub(super) async fn claim(
    state: &State,
    client: &Client,
    token: &str,
    transport: Transport,
) -> Result<Claim, ClaimError> {
    let claimed = state.tokens.claim(token, client.hub_and_user(), transport);
    let (Err(ClaimError::Unknown), Cluster::Joined(joined)) = (&claimed, &state.cluster) else {
        return claimed;
    };
    let signed =
        state.keys.current().connection.read(token, client.hub_and_user(), SystemTime::now())?;
    if !is_first(joined, &signed).await? {
        return Err(ClaimError::Elsewhere(signed.connection));
    }
    let (hub, user) = (client.hub.clone(), client.user.clone());
    let identity = Arc::new(Identity { id: signed.connection, hub, user });
    let terms = Terms { is_stateful: signed.is_stateful, ..client.terms.clone() };
    Ok(state.tokens.connect(token, identity, terms, transport))
}

/// Why a client cannot begin here with a token that was used before.
pub(super) async fn refusal(state: &State, client: &Client, error: ClaimError) -> Refusal {
    let ClaimError::Elsewhere(connection) = error else { return error.into() };
    match state.cluster.exists(client.hub.clone(), Target::Connection(connection)).await {
        Ok(true) => Refusal::already_connected(),
        Ok(false) => Refusal::unknown_connection(),
        Err(Refused::Down(down)) => Refusal::down(down),
        Err(Refused::Stopping(stopping)) => Refusal::stopping(stopping),
        Err(error @ Refused::NotWritten(_)) => Refusal::internal(&error),
    }
}

/// Whether nobody in the cluster connected with the token before.
async fn is_first(joined: &Joined, signed: &SignedToken) -> Result<bool, ClaimError> {
    let Some(left) = signed.left else { return Ok(false) };
    joined.broker().take_claim(&signed.connection, left).await.map_err(|_| ClaimError::Down)
}

/// Lets other nodes find a connection that begins here.
pub(super) async fn announce(
    state: &State,
    identity: &Identity,
) -> Result<Vec<Interest>, ClaimError> {
    match &state.cluster {
        Cluster::Alone(_) => Ok(Vec::new()),
        Cluster::Joined(joined) => joined.announce(identity).await.map_err(|_| ClaimError::Down),
    }
}
