//! Requests about one connection. Each goes to the shard that owns the connection.

use std::{io, sync::Arc};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, HubName};
use tokio::{net::TcpStream, sync::oneshot};

use super::{
    Hubs,
    answer::Answered,
    counts::TargetKind,
    message::Message,
    queues::Stopping,
    traced,
    work::{
        Arriving, ClientRequest, Invoke, LoginAnswer, LoginRequest, NewConnection, PostAnswer,
        Step, TokenTime, Work,
    },
};
use crate::{
    carrier::{PollAnswer, WebSocket},
    identity::Identity,
    login::Renewal,
};

impl Hubs {
    /// Registers the socket of a connection with the shard that owns the connection.
    pub(crate) fn register(
        &self,
        connection: &ConnectionId,
        socket: std::net::TcpStream,
    ) -> io::Result<TcpStream> {
        let _context =
            self.runtimes[self.queues.destinations.shard_of.connection(connection)].enter();
        TcpStream::from_std(socket)
    }

    /// Hands a new connection to the shard that will own it.
    pub(crate) async fn adopt(&self, connection: NewConnection) -> Result<(), Stopping> {
        let identity = Arc::clone(&connection.identity);
        let shard = self.queues.destinations.shard_of.connection(&identity.id);
        let user_here = self.queues.destinations.users.hold(&identity, shard);
        let work = Work::Adopt { connection: Box::new(connection), user_here };
        self.queues.push_to(shard, work).await
    }

    /// Gives a connection another socket.
    pub(crate) async fn resume(
        &self,
        connection: &ConnectionId,
        socket: WebSocket,
    ) -> Result<(), Stopping> {
        let work = Work::Resume { connection: connection.clone(), socket: Box::new(socket) };
        self.queues.push_to_owner(connection, work).await
    }

    /// Whether a client with an expired access token may continue its connection on another socket.
    pub(crate) async fn may_resume(&self, connection: &ConnectionId) -> Result<bool, Stopping> {
        let (may_resume, answer) = oneshot::channel();
        self.queues.push_from_client(connection, ClientRequest::Resume(may_resume)).await?;
        Ok(answer.await.unwrap_or(false))
    }

    /// Passes on the bytes that a client posted. `None` if its connection is not open.
    pub(crate) async fn receive(
        &self,
        connection: &ConnectionId,
        bytes: Bytes,
        token: TokenTime,
    ) -> Result<Option<PostAnswer>, Stopping> {
        let (taken, is_taken) = oneshot::channel();
        let request = ClientRequest::Messages { bytes, token, taken };
        self.queues.push_from_client(connection, request).await?;
        Ok(is_taken.await.ok())
    }

    /// Asks for the messages that wait for a client.
    pub(crate) async fn poll(
        &self,
        connection: &ConnectionId,
        token: TokenTime,
        poll: oneshot::Sender<PollAnswer>,
    ) -> Result<(), Stopping> {
        self.queues.push_from_client(connection, ClientRequest::Poll { token, poll }).await
    }

    /// Ends a connection because its client ended it.
    pub(crate) async fn hang_up(&self, connection: &ConnectionId) -> Result<(), Stopping> {
        self.queues.push_from_client(connection, ClientRequest::End).await
    }

    /// Calls a method of a client and waits for its answer. `None` if the connection is not open,
    /// or ends before the client answers.
    pub(crate) async fn invoke(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
    ) -> Result<Option<Answered>, Stopping> {
        self.taken.message(&hub, TargetKind::Connection, &message);
        self.trace.note(|| traced::invocation(&hub, &connection, &message));
        let answer = self.begin_invocation(hub, connection, invocation_id, message, None).await?;
        Ok(answer.await.ok())
    }

    /// Calls a method of a client. The caller can wait for the answer later. The answer is dropped
    /// if the connection is not open, or ends before the client answers.
    pub(crate) async fn begin_invocation(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
        asked_by: Option<String>,
    ) -> Result<oneshot::Receiver<Answered>, Stopping> {
        let (sender, answer) = oneshot::channel();
        let id = connection.clone();
        let invoke = Invoke { hub, connection, invocation_id, message, asked_by, answer: sender };
        self.queues.push_to_owner(&id, Work::Invoke(invoke)).await?;
        Ok(answer)
    }

    /// Asks for the claims of a connection's login. If there is a renewal, it is applied first. The
    /// caller can wait for the answer later. The answer is dropped if the connection is not open.
    pub(crate) async fn begin_login(
        &self,
        hub: HubName,
        connection: ConnectionId,
        renewal: Option<Renewal>,
    ) -> Result<oneshot::Receiver<LoginAnswer>, Stopping> {
        let (sender, answer) = oneshot::channel();
        let id = connection.clone();
        let request = LoginRequest { hub, connection, renewal, answer: sender };
        self.queues.push_to_owner(&id, Work::Login(request)).await?;
        Ok(answer)
    }

    /// Makes a connection that comes from another node known here. Messages for it arrive here from
    /// now on.
    pub(crate) async fn begin_arrival(&self, arriving: Arriving) -> Result<(), Stopping> {
        let Identity { id, hub, .. } = &*Arc::clone(&arriving.connection.identity);
        let shard = self.queues.destinations.shard_of.connection(id);
        let user_here = self.queues.destinations.users.hold(&arriving.connection.identity, shard);
        let step = Step::Begin { arriving: Box::new(arriving), user_here };
        self.move_connection(hub.clone(), id.clone(), step).await
    }

    /// Takes one step of moving a connection from one node to another.
    pub(crate) async fn move_connection(
        &self,
        hub: HubName,
        connection: ConnectionId,
        step: Step,
    ) -> Result<(), Stopping> {
        let id = connection.clone();
        self.queues.push_to_owner(&id, Work::Move { hub, connection, step }).await
    }
}
