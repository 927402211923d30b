//! A connection while it is open: messages in and out, pings, time limits.

use std::{future::poll_fn, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

use super::{
    calls::{Calls, StreamEnd},
    deliveries::{Deliveries, Unread},
    reliable::Reliable,
};
use crate::{
    command::{CallCommand, Command, Commands, Reply, Waiter},
    encoding::Protocol,
    error::CallError,
    event::Event,
    invocation::Invocation,
    options::Options,
    protocol::{CallMessage, Message, Outcome},
    transport::{Transport, place::Broken},
};

/// How many calls of the server may wait for the program's answer.
const MOST_ANSWERS: usize = 1000;
/// The text of stock clients if nobody answers.
const NO_ANSWER: &str = "Client didn't provide a result.";
/// How often received messages are acknowledged. Source: stock clients.
const ACK_INTERVAL: Duration = Duration::from_secs(1);

/// Why a connection has ended.
#[derive(Debug)]
pub(super) enum End {
    /// The program closed it; with the caller that waits for the end.
    ByClient(Waiter),
    ByServer {
        error: Option<String>,
        allow_reconnect: bool,
    },
    /// The transport broke, or nothing came for too long.
    Lost(String),
    /// The server broke the protocol.
    Protocol(String),
}

pub(super) struct Link {
    transport: Transport,
    protocol: Protocol,
    has_pings: bool,
    keep_alive: Duration,
    server_timeout: Duration,
    max_message: usize,
    calls: Calls,
    reliable: Option<Reliable>,
    /// The program's future answers to calls of the server.
    answers: FuturesUnordered<BoxFuture<'static, (String, Outcome)>>,
    /// Bytes that are not parsed yet, or the start of a message whose end has not arrived yet.
    partial: BytesMut,
    last_sent: Instant,
    last_received: Instant,
    last_ack: Instant,
}

/// The next event of a connection.
enum Turn {
    Received(Result<Bytes, Broken>),
    Command(Command),
    Close(Waiter),
    Delivered(Option<Unread>),
    Answered(String, Outcome),
    Time,
}

impl Link {
    pub(super) fn new(
        client: &Options,
        transport: Transport,
        is_stateful: bool,
        behind: Vec<u8>,
    ) -> Self {
        let now = Instant::now();
        let has_pings = match transport {
            Transport::Polling(_) => crate::transport::kind::Kind::LongPolling.has_pings(),
            _ => true,
        };
        Self {
            transport,
            protocol: client.protocol,
            has_pings,
            keep_alive: client.keep_alive,
            server_timeout: client.server_timeout,
            max_message: client.max_message,
            calls: Calls::default(),
            reliable: is_stateful.then(Reliable::default),
            answers: FuturesUnordered::new(),
            partial: behind.as_slice().into(),
            last_sent: now,
            last_received: now,
            last_ack: now,
        }
    }

    /// Continues over another transport.
    pub(super) fn resume(&mut self, transport: Transport) {
        self.transport = transport;
        self.partial.clear();
        (self.last_sent, self.last_received) = (Instant::now(), Instant::now());
        if let Some(reliable) = &mut self.reliable {
            let (first, messages) = reliable.resume();
            self.transport.queue(self.protocol.sequence(first));
            for message in messages {
                self.transport.queue(message);
            }
        }
    }

    /// Ends all calls, and gives the transport for a goodbye.
    pub(super) fn into_end(mut self, end: End, deliveries: &mut Deliveries) -> (End, Transport) {
        let error =
            if matches!(end, End::ByClient(_)) { CallError::Closed } else { CallError::Lost };
        for stream in self.calls.lose_all(&error) {
            end_stream(stream, deliveries);
        }
        if matches!(end, End::ByClient(_)) {
            self.transport.queue(self.protocol.close());
        }
        (end, self.transport)
    }

    /// Serves until the transport breaks or either side ends it.
    pub(super) async fn serve(
        &mut self,
        commands: &mut Commands,
        deliveries: &mut Deliveries,
    ) -> End {
        if let Err(end) = self.take_messages(deliveries) {
            return end;
        }
        loop {
            let turn = self.turn(commands, deliveries).await;
            let ended = match turn {
                Turn::Received(Ok(bytes)) => {
                    self.last_received = Instant::now();
                    self.partial.extend_from_slice(&bytes);
                    self.take_messages(deliveries)
                }
                Turn::Received(Err(broken)) => Err(End::Lost(broken.to_string())),
                Turn::Close(waiter) => Err(End::ByClient(waiter)),
                Turn::Command(command) => {
                    self.act(command);
                    Ok(())
                }
                Turn::Delivered(unread) => {
                    if let Some(Unread(id)) = unread {
                        self.cancel(&id);
                    }
                    Ok(())
                }
                Turn::Answered(id, outcome) => {
                    self.send(self.protocol.completion(&id, &outcome));
                    Ok(())
                }
                Turn::Time => self.look_at_the_time(deliveries),
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }

    async fn turn(&mut self, commands: &mut Commands, deliveries: &mut Deliveries) -> Turn {
        let reads = deliveries.is_empty();
        let is_full =
            self.transport.is_full() || self.reliable.as_ref().is_some_and(Reliable::is_full);
        let alarm = self.alarm(reads);
        let Self { transport, answers, .. } = self;
        tokio::select! {
            biased;
            received = poll_fn(|cx| transport.poll(cx, reads)) => Turn::Received(received),
            unread = deliveries.deliver(), if !reads => Turn::Delivered(unread),
            Some((id, outcome)) = answers.next(), if !is_full => Turn::Answered(id, outcome),
            waiter = commands.closes.recv() => Turn::Close(waiter),
            Some(command) = commands.calls.recv(), if !is_full => Turn::Command(command),
            () = sleep_until(alarm) => Turn::Time,
        }
    }

    /// The next time to check the limits.
    fn alarm(&self, reads: bool) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let ping = if self.has_pings { self.last_sent + self.keep_alive } else { far };
        let silence =
            if self.has_pings && reads { self.last_received + self.server_timeout } else { far };
        let ack = if self.reliable.is_some() { self.last_ack + ACK_INTERVAL } else { far };
        ping.min(silence).min(ack)
    }

    fn look_at_the_time(&mut self, deliveries: &Deliveries) -> Result<(), End> {
        let now = Instant::now();
        if !deliveries.is_empty() {
            // Nothing is read now, so silence proves nothing about the server.
            self.last_received = now;
        }
        if self.has_pings && now >= self.last_received + self.server_timeout {
            let limit = self.server_timeout;
            return Err(End::Lost(format!("the server said nothing for {limit:?}")));
        }
        if self.has_pings && now >= self.last_sent + self.keep_alive {
            // If an earlier ping is still queued, another ping does not help.
            if self.transport.queued() == 0 {
                self.transport.queue(self.protocol.ping());
            }
            self.last_sent = now;
        }
        if now >= self.last_ack + ACK_INTERVAL {
            self.last_ack = now;
            if let Some(number) = self.reliable.as_mut().and_then(Reliable::due_ack) {
                self.transport.queue(self.protocol.ack(number));
            }
        }
        Ok(())
    }

    /// Sends a message of types 1 to 5.
    fn send(&mut self, message: Bytes) {
        if let Some(reliable) = &mut self.reliable {
            reliable.keep(&message);
        }
        self.transport.queue(message);
        self.last_sent = Instant::now();
    }

    fn act(&mut self, command: Command) {
        match command {
            Command::Call(call) => self.call(call),
            Command::Item { id, item } => self.send(self.protocol.item(&id, &item)),
            Command::EndUpload { id, outcome } => {
                self.send(self.protocol.completion(&id, &outcome))
            }
            Command::Cancel { id } => self.cancel(&id),
        }
    }

    fn call(&mut self, call: CallCommand) {
        let CallCommand { target, arguments, uploads, reply, started } = call;
        let is_stream = matches!(reply, Reply::Stream(_));
        let start = self.calls.start(reply, uploads);
        if let Ok(call) = &start {
            let message = self.protocol.call(&CallMessage {
                is_stream,
                id: call.id.as_deref(),
                target: &target,
                arguments: &arguments,
                stream_ids: &call.upload_ids,
            });
            self.send(message);
        }
        // A caller that is gone cancels through its guard, or never learned the id.
        if let Err(Ok(start)) = started.send(start)
            && let Some(id) = start.id
        {
            self.cancel(&id);
        }
    }

    fn cancel(&mut self, id: &str) {
        if self.calls.forget(id) {
            self.send(self.protocol.cancel(id));
        }
    }

    fn take_messages(&mut self, deliveries: &mut Deliveries) -> Result<(), End> {
        let bytes = std::mem::take(&mut self.partial).freeze();
        let mut rest = &bytes[..];
        loop {
            match self.protocol.take(&mut rest) {
                Ok(Some(message)) => self.take(message, deliveries)?,
                Ok(None) => break,
                Err(error) => return Err(End::Protocol(error.to_string())),
            }
        }
        if rest.len() > self.max_message {
            let most = self.max_message;
            return Err(End::Protocol(format!("a message has more than {most} bytes")));
        }
        self.partial = rest.into();
        Ok(())
    }

    fn take(&mut self, message: Message, deliveries: &mut Deliveries) -> Result<(), End> {
        if message.is_numbered()
            && let Some(reliable) = &mut self.reliable
            && !reliable.receive()
        {
            return Ok(());
        }
        match message {
            Message::Invocation { id, target, arguments } => {
                let answer = id.and_then(|id| self.expect_answer(id));
                let protocol = self.protocol;
                deliveries.event(Event::Invocation(Invocation {
                    target,
                    arguments,
                    protocol,
                    answer,
                }));
            }
            Message::StreamItem { id, item } => {
                if let Some(to) = self.calls.stream(&id) {
                    deliveries.item(id, to.clone(), Ok(item));
                }
            }
            Message::Completion { id, outcome } => {
                if let Some(stream) = self.calls.complete(&id, outcome) {
                    end_stream(stream, deliveries);
                }
            }
            Message::Close { error, allow_reconnect } => {
                return Err(End::ByServer { error, allow_reconnect });
            }
            Message::Ack(number) => {
                if let Some(reliable) = &mut self.reliable {
                    reliable.acknowledge(number);
                }
            }
            Message::Sequence(number) => {
                if let Some(reliable) = &mut self.reliable {
                    reliable.sequence(number).map_err(End::Lost)?;
                }
            }
            // A server that cancels an upload ignores its further items.
            Message::Cancel | Message::Ping | Message::Unknown => {}
        }
        Ok(())
    }

    /// Makes the channel for the program's answer to a call of the server.
    fn expect_answer(&mut self, id: String) -> Option<oneshot::Sender<Outcome>> {
        if self.answers.len() >= MOST_ANSWERS {
            let error = format!("{MOST_ANSWERS} calls wait for the client's answer already");
            self.send(self.protocol.completion(&id, &Err(error)));
            return None;
        }
        let (sender, answer) = oneshot::channel::<Outcome>();
        self.answers.push(Box::pin(async move {
            (id, answer.await.unwrap_or_else(|_| Err(NO_ANSWER.to_owned())))
        }));
        Some(sender)
    }
}

fn end_stream((to, error): StreamEnd, deliveries: &mut Deliveries) {
    // Without an error the stream ends when its channel ends, after its items.
    if let Some(error) = error {
        deliveries.item(String::new(), to, Err(error));
    }
}
