//! The right to a connection. A client has it through a token that this node keeps, or that any
//! node of the cluster has signed.

use std::{sync::Arc, time::SystemTime};

use signalr_serverless::ConnectionId;

use super::endpoint::{Client, Refusal};
use crate::{
    broker::Interest,
    carrier::{Carrier, Transport},
    cluster::{Cluster, Joined},
    hub::{command::Target, work::NewConnection},
    identity::Identity,
    login::LoginClaims,
    session::Terms,
    state::State,
    tokens::{Claim, ClaimError, SignedToken},
};

/// Claims a token for a transport of a client.
pub(super) async fn claim(
    state: &State,
    client: &Client,
    token: &str,
    transport: Transport,
) -> Result<Claim, ClaimError> {
    // The client may have come here before, and its connection may still be moving to this node.
    if let (Cluster::Joined(joined), Some(connection)) =
        (&state.cluster, state.keys.current().connection.connection(token))
    {
        joined.settled(&connection).await;
    }
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

/// The reason for a client that cannot begin here with a token that was already used.
pub(super) async fn refusal(state: &State, client: &Client, error: ClaimError) -> Refusal {
    let ClaimError::Elsewhere(connection) = error else { return error.into() };
    match state.cluster.exists(client.hub.clone(), Target::Connection(connection)).await {
        Ok(true) => Refusal::already_connected(),
        Ok(false) => Refusal::unknown_connection(),
        Err(refused) => refused.into(),
    }
}

/// Takes over a connection of another node, if its client may continue it here. Returns `None` if
/// it cannot be taken.
pub(super) async fn take_over(
    state: &State,
    client: &mut Client,
    token: &str,
    connection: &ConnectionId,
) -> Result<Option<Arc<Identity>>, Refusal> {
    let Cluster::Joined(joined) = &state.cluster else { return Ok(None) };
    state.open_for_clients().map_err(Refusal::stopping)?;
    let (hub, user) = (client.hub.clone(), client.user.clone());
    let identity = Arc::new(Identity { id: connection.clone(), hub, user });
    let takeable = joined.takeable(&identity, client.token_time()).await.map_err(Refusal::down)?;
    let Some(mut takeable) = takeable else { return Ok(None) };
    let place = client.admit(state, &identity)?;
    let terms = Terms { is_stateful: true, ..client.terms.clone() };
    let claimed = state.tokens.connect(token, identity, terms, Transport::WebSockets);
    let Claim::New { identity, terms, guard } = claimed else { return Ok(None) };
    let connection = NewConnection {
        terms,
        carrier: Carrier::Away,
        place,
        token: Some(guard),
        interests: std::mem::take(&mut takeable.interests),
        claims: LoginClaims::new(&client.claims()),
        caller: client.caller(&identity),
        app: None,
        identity: Arc::clone(&identity),
    };
    Ok(joined.take(connection, takeable).await?.then_some(identity))
}

/// Whether this is the first connection with the token in the whole cluster.
async fn is_first(joined: &Joined, signed: &SignedToken) -> Result<bool, ClaimError> {
    let Some(left) = signed.left else { return Ok(false) };
    joined.broker().take_claim(&signed.connection, left).await.map_err(|_| ClaimError::Down)
}

/// Makes a connection that begins here known to the other nodes.
pub(super) async fn announce(
    state: &State,
    identity: &Identity,
) -> Result<Vec<Interest>, ClaimError> {
    match &state.cluster {
        Cluster::Alone(_) => Ok(Vec::new()),
        Cluster::Joined(joined) => joined.announce(identity).await.map_err(|_| ClaimError::Down),
    }
}
