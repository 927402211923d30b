//! Holds connections, and sends messages to all or some of them.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, event::Event};

use crate::{
    arguments::{BroadcastPlan, Flow},
    clock::Clock,
    connect::connect,
    dialect::Dialect,
    failure::Failure,
    http,
    message::{Format, Stamp},
    process::OwnTime,
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
    let processes = &plan.processes;
    let memory_before = processes.memory()?;
    let mut crowd = Crowd::new(plan)?;
    let connecting = Instant::now();
    let ((), cpu_of_connecting) = processes.measured(|| crowd.connect(plan))?;
    let connecting = connecting.elapsed();
    let memory_after = processes.memory()?;
    join(plan)?;
    let mut broadcast = Broadcast::new(plan, crowd)?;
    let own_time = OwnTime::now();
    let ((), cpu) = processes.measured(|| broadcast.run())?;
    let own_time = OwnTime::now().since(own_time);
    let memory = memory_after.iter().zip(memory_before);
    let memory = memory.map(|(after, before)| after.saturating_sub(before)).collect();
    let Broadcast { sent, clock, tally, .. } = broadcast;
    Ok(BroadcastReport::new(Measured {
        plan,
        sent: sent.answered_before.len() as u64,
        recipients: plan.recipients.count(plan.connections) as u64,
        tally,
        connecting,
        clock,
        own_time,
        cpu_of_connecting,
        cpu,
        memory,
    }))
}

/// Makes users members of groups, one after the other.
fn join(plan: &BroadcastPlan) -> Result<(), Failure> {
    let timeout = plan.server.ways.timeout;
    let mut socket = None;
    for (group, number) in plan.recipients.members().filter(|_| plan.puts_into_groups) {
        let endpoint = plan.server.join(&group, number)?;
        let mut open = match socket.take() {
            Some(socket) => socket,
            None => endpoint.connect(timeout)?,
        };
        let request = http::request("PUT", &endpoint, "content-length: 0\r\n", b"");
        let (answer, _) = http::exchange(&mut open, &request, timeout)?;
        if !(200..300).contains(&answer.status) {
            let shown = answer.shown();
            return Err(Failure::server(format!(
                "the server refused a member of a group: {shown}"
            )));
        }
        socket = answer.stays_open.then_some(open);
    }
    Ok(())
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
            poll: Poll::new().map_err(|error| Failure::own(&error))?,
            subscribers: Vec::with_capacity(plan.connections),
            next_ping: Instant::now() + FIRST_PING,
            ping_turn: 0,
        })
    }

    /// Makes the connections, one after the other.
    fn connect(&mut self, plan: &BroadcastPlan) -> Result<(), Failure> {
        for index in 0..plan.connections {
            let connected = connect(&plan.server, index).map_err(|failure| {
                Failure::server(format!(
                    "connection {} of {}: {failure}",
                    index + 1,
                    plan.connections
                ))
            })?;
            connected.socket.set_nonblocking(true).map_err(|error| Failure::own(&error))?;
            let mut socket = mio::net::TcpStream::from_std(connected.socket);
            let registered =
                self.poll.registry().register(&mut socket, Token(index), Interest::READABLE);
            registered.map_err(|error| Failure::own(&error))?;
            self.subscribers.push(Subscriber::new(socket, connected.carrier, index, plan.messages));
            self.ping(Instant::now(), plan.server.ways.dialect);
        }
        Ok(())
    }

    fn ping(&mut self, now: Instant, dialect: Dialect) {
        if now < self.next_ping {
            return;
        }
        self.next_ping = now + Duration::from_secs(1);
        self.ping_turn = (self.ping_turn + 1) % PING_TURNS;
        for subscriber in self.subscribers.iter_mut().skip(self.ping_turn).step_by(PING_TURNS) {
            if subscriber.is_open {
                subscriber.ping(dialect);
            }
        }
    }
}

/// The state of a broadcast while its messages are sent.
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
                publisher.connect(plan.server.publish(0)?, registry, plan.server.ways.timeout)?;
            }
        }
        let now = Instant::now();
        Ok(Self {
            plan,
            crowd,
            publishers,
            sent: Sent {
                format: Format::new(plan.size, plan.server.ways.dialect),
                recipients: plan.recipients,
                start: now,
                answered_before: Vec::new(),
            },
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
                other => other.map_err(|error| Failure::own(&error))?,
            }
            let before = (self.tally.delivered, self.answered);
            for event in &events {
                self.look_at(event)?;
            }
            let now = Instant::now();
            if before != (self.tally.delivered, self.answered) {
                self.clock.progress = now;
            }
            self.crowd.ping(now, self.plan.server.ways.dialect);
            for publisher in &self.publishers {
                publisher.check_time(now, self.plan.server.ways.timeout)?;
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
            let endpoint = server.publish(sequence)?;
            publisher.post(endpoint, registry, server.ways.timeout, (sequence, &body))?;
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

    /// The time when the next message was due, if it is not later than `now`.
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
                let recipients = self.plan.recipients.count(self.plan.connections);
                let expected = (sent * recipients) as u64;
                (self.answered == sent && self.tally.delivered >= expected).then_some(now)
            }
        }
    }

    fn longest_wait(&self) -> Duration {
        let Flow::Paced(interval) = self.plan.flow else { return LONGEST_TURN };
        let sent = self.sent.answered_before.len();
        let due = self.clock.started + interval.mul_f64(sent as f64);
        let wait = due.saturating_duration_since(Instant::now());
        // If the message is already due, it waits for a publisher and not for the clock.
        if wait.is_zero() { LONGEST_TURN } else { wait.min(LONGEST_TURN) }
    }

    /// Whether everything has come, or nothing more can come.
    fn is_over(&self) -> bool {
        let Self { plan, sent, tally, .. } = self;
        let everything = (plan.messages * plan.recipients.count(plan.connections)) as u64;
        if self.clock.started.elapsed() < plan.hold && tally.closed == 0 {
            return false;
        }
        let all_is_answered = self.answered == plan.messages;
        if all_is_answered && tally.delivered >= everything {
            return true;
        }
        if tally.closed >= plan.connections as u64 {
            return true;
        }
        // With one message after the other, a lost message holds up all later messages.
        let nothing_is_due = all_is_answered
            || (plan.flow == Flow::OneByOne && self.answered == sent.answered_before.len());
        nothing_is_due && self.clock.progress.elapsed() > plan.server.ways.timeout
    }
}
