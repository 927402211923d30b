//! The route between one client and its app server.

use std::task::Context;

use bytes::{Bytes, BytesMut};
use signalr_server_protocol::{
    CloseConnection, ConnectionData, Extensions, Headers, MigrationLevel, UpdateConnectionClaims,
};
use signalr_serverless::{ConnectionId, HubName};

use crate::{
    app_server::{AppClient, AppServers, OpenClient, Seat, with_long_names},
    budget::{QueueBudget, Share},
    carrier::QueueFull,
    login::Claim,
};

/// The route of one client to its app server and back.
#[derive(Debug)]
pub(super) struct AppRoute {
    end: End,
    /// The frames for the client that wait until the app server has answered its handshake.
    held: Vec<(Bytes, u32)>,
    /// The beginning of a message to the client that comes in parts.
    part: BytesMut,
    /// The bytes of `held` and `part` together.
    share: Share,
    /// The name of the client's protocol, if only the app knows this protocol.
    other_protocol: Option<Box<str>>,
    /// Whether the client has to move to another app server as soon as it has no open calls.
    pub(super) is_leaving: bool,
    /// How many posts of the client wait until the app server has room.
    pub(super) waiting_posts: usize,
}

#[derive(Debug)]
enum End {
    /// The client has not named its protocol yet.
    Ahead(Option<AppClient>),
    At {
        seat: Seat,
        kept: Option<Box<OpenClient>>,
    },
}

impl AppRoute {
    pub(super) fn new(client: AppClient, budget: &QueueBudget) -> Self {
        Self {
            end: End::Ahead(Some(client)),
            held: Vec::new(),
            part: BytesMut::new(),
            share: budget.share(),
            other_protocol: None,
            is_leaving: false,
            waiting_posts: 0,
        }
    }

    /// Takes the data about the client that its app server needs. The data can be taken once.
    pub(super) fn take_client(&mut self) -> Option<AppClient> {
        match &mut self.end {
            End::Ahead(client) => client.take(),
            End::At { .. } => None,
        }
    }

    /// Notes that the client uses a protocol that only the app knows.
    pub(super) fn speak(&mut self, other_protocol: &str) {
        self.other_protocol = Some(other_protocol.into());
    }

    /// The name of the client's protocol, if only the app knows this protocol.
    pub(super) fn other_protocol(&self) -> Option<&str> {
        self.other_protocol.as_deref()
    }

    /// Gives the client to this server connection. All later messages go there.
    ///
    /// The data about the client is kept if the client may be moved.
    pub(super) fn lead_to(&mut self, seat: Seat, client: OpenClient) {
        client.give_to(&seat.link, None);
        let may_move = seat.link.migration != MigrationLevel::Off;
        self.end = End::At { seat, kept: may_move.then(|| Box::new(client)) };
    }

    /// Moves the client to another app server, if there is one and no message to the client is
    /// incomplete.
    pub(super) fn move_elsewhere(
        &mut self,
        hub: &HubName,
        client: &ConnectionId,
        servers: &AppServers,
    ) -> bool {
        let End::At { seat, kept } = &mut self.end else { return false };
        let Some(kept) = kept.as_ref().filter(|_| self.part.is_empty()) else { return false };
        let Some(new) = servers.seat_elsewhere(hub, kept, &seat.link.server) else { return false };
        let to = vec![new.link.server.clone()];
        seat.link.queue.push(CloseConnection {
            connection_id: client.to_string(),
            error: String::new(),
            headers: Headers(vec![("Asrs-Migrate-To".to_owned(), to)]),
            extensions: Extensions::default(),
        });
        kept.give_to(&new.link, Some(&seat.link.server));
        *seat = new;
        self.is_leaving = false;
        true
    }

    /// Whether the client may be moved to another app server at all.
    pub(super) fn may_move(&self) -> bool {
        matches!(self.end, End::At { kept: Some(_), .. })
    }

    pub(super) fn seat(&self) -> Option<&Seat> {
        match &self.end {
            End::Ahead(_) => None,
            End::At { seat, .. } => Some(seat),
        }
    }

    /// Whether the route leads to the server connection with this number.
    pub(super) fn leads_to(&self, server: u64) -> bool {
        self.seat().is_some_and(|seat| seat.link.number == server)
    }

    /// Sends bytes of the client to the app server.
    pub(super) fn send(&self, client: &ConnectionId, payload: Bytes) {
        if let Some(seat) = self.seat() {
            seat.link.queue.push(ConnectionData {
                connection_id: client.to_string(),
                payload,
                extensions: Extensions::default(),
            });
        }
    }

    /// Reports the client's new claims to the app server.
    pub(super) fn renew_claims(&mut self, client: &ConnectionId, claims: &[Claim]) {
        match &mut self.end {
            End::Ahead(Some(ahead)) => ahead.renew_claims(claims.to_vec()),
            End::Ahead(None) => {}
            End::At { seat, kept } => {
                if let Some(kept) = kept {
                    kept.renew_claims(claims.to_vec());
                }
                seat.link.queue.push(UpdateConnectionClaims {
                    connection_id: client.to_string(),
                    claims: with_long_names(claims.to_vec()),
                    extensions: Extensions::default(),
                });
            }
        }
    }

    /// Reports to the app server that the client is gone.
    pub(super) fn close(&self, client: &ConnectionId) {
        if let Some(seat) = self.seat() {
            seat.link.queue.push(CloseConnection {
                connection_id: client.to_string(),
                error: String::new(),
                headers: Headers::default(),
                extensions: Extensions::default(),
            });
        }
    }

    /// Whether the app server has no room, so that the client must not be read now. Its task is
    /// woken when there is room.
    pub(super) fn is_full(&self, cx: &Context<'_>) -> bool {
        self.seat().is_some_and(|seat| seat.is_full(cx))
    }

    /// Whether the app server has no room for messages of clients.
    pub(super) fn is_busy(&self) -> bool {
        self.seat().is_some_and(|seat| seat.link.queue.is_full())
    }

    /// Holds a frame until the app server has answered the handshake.
    pub(super) fn hold(
        &mut self,
        frame: &Bytes,
        messages: u32,
        max_queued: usize,
    ) -> Result<(), QueueFull> {
        self.share.add(frame.len());
        self.held.push((frame.clone(), messages));
        if self.share.bytes() > max_queued { Err(QueueFull) } else { Ok(()) }
    }

    /// Takes the frames that were held.
    pub(super) fn take_held(&mut self) -> Vec<(Bytes, u32)> {
        let held = std::mem::take(&mut self.held);
        self.share.set(self.part.len());
        held
    }

    /// Takes bytes for the client. Returns complete messages, together with their earlier parts.
    pub(super) fn take(
        &mut self,
        payload: Bytes,
        is_partial: bool,
        max_queued: usize,
    ) -> Result<Option<Bytes>, QueueFull> {
        if !is_partial && self.part.is_empty() {
            return Ok(Some(payload));
        }
        self.part.extend_from_slice(&payload);
        self.share.add(payload.len());
        if !is_partial {
            self.share.remove(self.part.len());
            return Ok(Some(self.part.split().freeze()));
        }
        if self.share.bytes() > max_queued { Err(QueueFull) } else { Ok(None) }
    }

    /// The bytes that are held here.
    pub(super) fn held(&self) -> usize {
        self.share.bytes()
    }
}
