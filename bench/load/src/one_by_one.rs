//! Makes connections, or negotiates, one after the other. Each ends before the next begins.

use std::{io::Write, time::Instant};

use crate::{
    arguments::OneByOnePlan,
    connect::{self, Connected},
    failure::Failure,
    http,
    report::OneByOneReport,
    websocket,
};

/// Connects, shakes hands, closes, and waits until the server has closed too.
pub(crate) fn connections(plan: &OneByOnePlan) -> Result<OneByOneReport, Failure> {
    run(plan, "connections", |plan| {
        for number in 0..plan.count {
            let Connected { mut socket, .. } = connect::connect(&plan.server, number as usize)?;
            let end = Instant::now() + plan.server.ways.timeout;
            socket
                .write_all(&websocket::close())
                .map_err(|error| Failure::server(format!("a connection broke: {error}")))?;
            let mut rest = Vec::new();
            while !http::read_more(&mut socket, &mut rest, end).map_err(not_closed)? {
                rest.clear();
            }
        }
        Ok(())
    })
}

fn not_closed(failure: Failure) -> Failure {
    Failure::server(format!("a connection did not end after the client's close frame: {failure}"))
}

pub(crate) fn negotiates(plan: &OneByOnePlan) -> Result<OneByOneReport, Failure> {
    run(plan, "negotiates", |plan| {
        let client = plan.server.client(0)?;
        let request = connect::negotiate_request(&client);
        let mut socket = None;
        for _ in 0..plan.count {
            let mut open = match socket.take() {
                Some(socket) => socket,
                None => client.connect(plan.server.ways.timeout)?,
            };
            let (answer, _) = http::exchange(&mut open, &request, plan.server.ways.timeout)?;
            connect::read_negotiation(&answer)?;
            socket = answer.stays_open.then_some(open);
        }
        Ok(())
    })
}

fn run(
    plan: &OneByOnePlan,
    what: &'static str,
    action: impl FnOnce(&OneByOnePlan) -> Result<(), Failure>,
) -> Result<OneByOneReport, Failure> {
    let started = Instant::now();
    let ((), cpu) = plan.processes.measured(|| action(plan))?;
    Ok(OneByOneReport::new(what, plan.count, started.elapsed(), cpu.as_ref()))
}
