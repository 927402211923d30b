//! What comes from transports to the connections of a shard.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use signalr_serverless::ConnectionId;
use tokio::net::TcpStream;

use super::{FromClient, Key, NewCarrier, NewSocket, Newcomer, Shard};
use crate::{
    hub::connection::{Arrival, Carrier, Connection},
    session::Session,
    transport::{long_polling::PollQueue, websocket::socket::WebSocket},
};

impl Shard {
    /// Takes a new connection in. Returns its key and its carrier's turn.
    pub(super) fn insert(&mut self, newcomer: Newcomer) -> io::Result<(Key, u32)> {
        let Newcomer { identity, terms, carrier, caller } = newcomer;
        let now = self.now();
        let id = identity.id.clone();
        let (carrier, early) = match carrier {
            NewCarrier::WebSocket(NewSocket { socket, early }) => {
                let socket =
                    TcpStream::from_std(socket).inspect_err(|_| self.shared.tokens.release(&id))?;
                (Carrier::WebSocket(WebSocket::new(socket)), early)
            }
            NewCarrier::ServerSentEvents(events) => {
                (Carrier::ServerSentEvents(events), Default::default())
            }
            NewCarrier::LongPolling => {
                (Carrier::LongPolling(Box::new(PollQueue::new(now))), Default::default())
            }
        };
        let connection = Connection::new(identity, Session::new(terms, now), carrier, caller);
        let turn = connection.turn;
        let key = self.connections.insert(connection);
        self.by_id.insert(id, key);
        self.shared.counters.connection_opened();
        self.schedule(key, now);
        self.take_early(key, early);
        Ok((key, turn))
    }

    /// Gives a connection another socket. Returns its key and the new turn; a connection that has
    /// ended since loses the socket.
    pub(super) fn resume(&mut self, id: &ConnectionId, socket: NewSocket) -> Option<(Key, u32)> {
        let now = self.now();
        let key = *self.by_id.get(id)?;
        let NewSocket { socket, early } = socket;
        let socket = TcpStream::from_std(socket).ok()?;
        let connection = self.connections.get_mut(key)?;
        // The older socket ends with this, where it had not broken yet.
        connection.carrier = Carrier::WebSocket(WebSocket::new(socket));
        connection.turn += 1;
        let turn = connection.turn;
        let effects = connection.session.resume(now);
        self.apply(key, effects, now);
        self.schedule(key, now);
        self.take_early(key, early);
        Some((key, turn))
    }

    fn take_early(&mut self, key: Key, mut early: bytes::BytesMut) {
        let now = self.now();
        let rules = Arc::clone(&self.shared.rules);
        let Some(connection) = self.connections.get_mut(key).filter(|_| !early.is_empty()) else {
            return;
        };
        let arrival = connection.receive_early(&mut early, now, &rules);
        self.arrived(key, arrival);
    }

    /// Drives the socket of one connection; is ready when the connection is gone, or has another.
    pub(super) fn poll(&mut self, key: Key, turn: u32, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.now();
        let rules = Arc::clone(&self.shared.rules);
        while let Some(connection) =
            self.connections.get_mut(key).filter(|connection| connection.turn == turn)
        {
            let arrival = ready!(connection.poll(cx, &mut self.read_buffer, now, &rules));
            let is_gone = matches!(arrival, Arrival::Gone);
            self.arrived(key, arrival);
            if is_gone {
                break;
            }
        }
        Poll::Ready(())
    }

    fn arrived(&mut self, key: Key, arrival: Arrival) {
        let now = self.now();
        match arrival {
            Arrival::Effects(effects) => self.apply(key, effects, now),
            Arrival::Gone => self.carrier_broke(key),
        }
    }

    /// A client that can go on elsewhere is waited for; any other has ended.
    fn carrier_broke(&mut self, key: Key) {
        let now = self.now();
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.session.transport_broke(now) {
            connection.carrier = Carrier::Away;
            connection.turn += 1;
            self.schedule(key, now);
        } else {
            self.remove(key);
        }
    }

    /// Takes what a client without a socket of its own wants. Where its connection is gone, the
    /// answer is dropped, which says so.
    pub(super) fn take_request(&mut self, id: &ConnectionId, request: FromClient) {
        let now = self.now();
        let Some(key) = self.by_id.get(id).copied() else { return };
        let Some(connection) = self.connections.get_mut(key) else { return };
        match request {
            FromClient::Messages { bytes, taken } => {
                let effects = connection.session.receive(&bytes, now, &self.shared.rules);
                self.apply(key, effects, now);
                // The client may have broken off its request.
                let _ = taken.send(());
            }
            FromClient::Poll(poll) => {
                if let Carrier::LongPolling(polls) = &mut connection.carrier
                    && polls.poll(poll, now)
                {
                    self.remove(key);
                }
            }
            FromClient::End => self.remove(key),
        }
    }
}
