//! Connections that are held, and messages to all of them.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, event::Event};

use crate::{
    arguments::{BroadcastPlan, Flow},
    clock::Clock,
    connect::connect,
    failure::Failure,
    message::{Format, Stamp},
    process::{self, OwnTime, Process},
    publisher::Publisher,
    report::{BroadcastReport, Measured},
    subscriber::{Sent, Subscriber, micros},
    tally::Tally,
};

const READ_BUFFER: usize = 64 * 1024;
/// The load looks at the clock at least this often.
const LONGEST_TURN: Duration = Duration::from_millis(100);
/// Each client pings once in this number of turns, which are one second apart. Servers wait at
/// least 30 s.
const PING_TURNS: usize = 15;
/// The first turn. Short measures have no pings.
const FIRST_PING: Duration = Duration::from_secs(12);

pub(crate) fn run(plan: &BroadcastPlan) -> Result<BroadcastReport, Failure> {
    let process = plan.process.as_ref();
    let memory_before = process.map(Process::memory).transpose()?;
    let mut crowd = Crowd::new(plan)?;
    let connecting = Instant::now();
    let ((), cpu_of_connecting) = process::measured(process, || crowd.connect(plan))?;
    let connecting = connecting.elapsed();
    let memory_after = process.map(Process::memory).transpose()?;
    let mut broadcast = Broadcast::new(plan, crowd)?;
    let own_time = OwnTime::now();
    let ((), cpu) = process::measured(process, || broadcast.run())?;
    let own_time = OwnTime::now().since(own_time);
    let memory =
        memory_before.zip(memory_after).map(|(before, after)| after.saturating_sub(before));
    let Broadcast { sent, clock, tally, .. } = broadcast;
    Ok(BroadcastReport::new(Measured {
        plan,
        sent: sent.answered_before.len() as u64,
        tally,
        connecting,
        clock,
        own_time,
        cpu_of_connecting,
        cpu,
        memory,
    }))
}

/// All connections.
struct Crowd {
    poll: Poll,
    subscribers: Vec<Subscriber>,
    next_ping: Instant,
    ping_turn: usize,
}

impl Crowd {
    fn new(plan: &BroadcastPlan) -> Result<Self, Failure> {
        Ok(Self {
            poll: Poll::new().map_err(|error| own(&error))?,
            subscribers: Vec::with_capacity(plan.connections),
            next_ping: Instant::now() + FIRST_PING,
            ping_turn: 0,
        })
    }

    /// Makes the connections, one after the other.
    fn connect(&mut self, plan: &BroadcastPlan) -> Result<(), Failure> {
        for index in 0..plan.connections {
            let connected = connect(&plan.server).map_err(|failure| {
                Failure::server(format!(
                    "connection {} of {}: {failure}",
                    index + 1,
                    plan.connections
                ))
            })?;
            connected.socket.set_nonblocking(true).map_err(|error| own(&error))?;
            let mut socket = mio::net::TcpStream::from_std(connected.socket);
            let registered =
                self.poll.registry().register(&mut socket, Token(index), Interest::READABLE);
            registered.map_err(|error| own(&error))?;
            self.subscribers.push(Subscriber::new(socket, connected.decoder, plan.messages));
            self.ping(Instant::now());
        }
        Ok(())
    }

    fn ping(&mut self, now: Instant) {
        if now < self.next_ping {
            return;
        }
        self.next_ping = now + Duration::from_secs(1);
        self.ping_turn = (self.ping_turn + 1) % PING_TURNS;
        for subscriber in self.subscribers.iter_mut().skip(self.ping_turn).step_by(PING_TURNS) {
            if subscriber.is_open {
                subscriber.ping();
            }
        }
    }
}

/// Messages on their way.
struct Broadcast<'a> {
    plan: &'a BroadcastPlan,
    crowd: Crowd,
    publishers: Vec<Publisher>,
    sent: Sent,
    is_answered: Vec<bool>,
    /// All messages below this number were answered.
    answered_before: usize,
    answered: usize,
    clock: Clock,
    tally: Tally,
    read_buffer: Box<[u8]>,
}

impl<'a> Broadcast<'a> {
    fn new(plan: &'a BroadcastPlan, crowd: Crowd) -> Result<Self, Failure> {
        let first = plan.connections;
        let mut publishers: Vec<_> =
            (0..plan.flow.publishers()).map(|index| Publisher::new(Token(first + index))).collect();
        if plan.messages > 0 {
            let few = if matches!(plan.flow, Flow::Paced(_)) { 1 } else { publishers.len() };
            for publisher in &mut publishers[..few] {
                let registry = crowd.poll.registry();
                publisher.connect(plan.server.publish()?, registry, plan.server.timeout)?;
            }
        }
        let now = Instant::now();
        Ok(Self {
            plan,
            crowd,
            publishers,
            sent: Sent { format: Format::new(plan.size), start: now, answered_before: Vec::new() },
            is_answered: Vec::new(),
            answered_before: 0,
            answered: 0,
            clock: Clock { started: now, progress: now, sent_late: 0, server_was_late: false },
            tally: Tally::new(),
            read_buffer: vec![0; READ_BUFFER].into(),
        })
    }

    fn run(&mut self) -> Result<(), Failure> {
        let mut events = Events::with_capacity(4096);
        while !self.is_over() {
            self.send_what_is_due()?;
            match self.crowd.poll.poll(&mut events, Some(self.longest_wait())) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|error| own(&error))?,
            }
            let before = (self.tally.delivered, self.answered);
            for event in &events {
                self.look_at(event)?;
            }
            let now = Instant::now();
            if before != (self.tally.delivered, self.answered) {
                self.clock.progress = now;
            }
            self.crowd.ping(now);
            for publisher in &self.publishers {
                publisher.check_time(now, self.plan.server.timeout)?;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, event: &Event) -> Result<(), Failure> {
        let Token(index) = event.token();
        if let Some(subscriber) = self.crowd.subscribers.get_mut(index) {
            let is_end = event.is_read_closed();
            subscriber.read(&mut self.read_buffer, is_end, &self.sent, &mut self.tally);
            return Ok(());
        }
        let publisher = index - self.crowd.subscribers.len();
        if let Some(sequence) = self.publishers[publisher].look()? {
            self.answered += 1;
            self.is_answered[sequence as usize] = true;
            while self.is_answered.get(self.answered_before) == Some(&true) {
                self.answered_before += 1;
            }
        }
        Ok(())
    }

    fn send_what_is_due(&mut self) -> Result<(), Failure> {
        while let Some(due) = self.next_due(Instant::now()) {
            let Some(publisher) = self.publishers.iter_mut().find(|one| one.is_idle()) else {
                self.clock.server_was_late |= matches!(self.plan.flow, Flow::Paced(_));
                return Ok(());
            };
            let sequence = self.sent.answered_before.len() as u64;
            let stamp = Stamp { sequence, sent: micros(self.sent.start, due) };
            self.sent.answered_before.push(self.answered_before as u64);
            self.is_answered.push(false);
            let body = self.sent.format.body(stamp);
            let registry = self.crowd.poll.registry();
            let server = &self.plan.server;
            publisher.post(server.publish()?, registry, server.timeout, (sequence, &body))?;
            let now = Instant::now();
            self.clock.progress = now;
            self.note_lateness(due, now);
        }
        Ok(())
    }

    fn note_lateness(&mut self, due: Instant, now: Instant) {
        if let Flow::Paced(interval) = self.plan.flow
            && now.saturating_duration_since(due) > (interval / 2).max(Duration::from_millis(5))
        {
            self.clock.sent_late += 1;
        }
    }

    /// When the next message was due, if that is not later than `now`.
    fn next_due(&self, now: Instant) -> Option<Instant> {
        let sent = self.sent.answered_before.len();
        if sent >= self.plan.messages {
            return None;
        }
        match self.plan.flow {
            Flow::Paced(interval) => {
                let due = self.clock.started + interval.mul_f64(sent as f64);
                (due <= now).then_some(due)
            }
            Flow::InFlight(most) => (sent - self.answered < most).then_some(now),
            Flow::OneByOne => {
                let expected = (sent * self.plan.connections) as u64;
                (self.answered == sent && self.tally.delivered >= expected).then_some(now)
            }
        }
    }

    fn longest_wait(&self) -> Duration {
        let Flow::Paced(interval) = self.plan.flow else { return LONGEST_TURN };
        let sent = self.sent.answered_before.len();
        let due = self.clock.started + interval.mul_f64(sent as f64);
        let wait = due.saturating_duration_since(Instant::now());
        // A message that is due waits for a publisher, not for the clock.
        if wait.is_zero() { LONGEST_TURN } else { wait.min(LONGEST_TURN) }
    }

    /// Everything has come, or nothing more can.
    fn is_over(&self) -> bool {
        let Self { plan, sent, tally, .. } = self;
        let everything = (plan.messages * plan.connections) as u64;
        let all_is_answered = self.answered == plan.messages;
        if all_is_answered && tally.delivered >= everything {
            return true;
        }
        if tally.closed >= plan.connections as u64 {
            return true;
        }
        // One by one, a message that is lost holds up all that follow.
        let nothing_is_due = all_is_answered
            || (plan.flow == Flow::OneByOne && self.answered == sent.answered_before.len());
        nothing_is_due && self.clock.progress.elapsed() > plan.server.timeout
    }
}

/// Something in the load's own process failed.
fn own(error: &io::Error) -> Failure {
    Failure::server(format!("the load itself failed: {error}"))
}
