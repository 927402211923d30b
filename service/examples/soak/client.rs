//! A client that comes, reads, leaves and comes again, and checks what it reads.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use signalr_http_client::Trust;
use signalr_serverless::{ConnectionString, HubName, NegotiateOptions, Negotiator, UserId};
use tokio::time::{sleep, timeout};

use crate::{
    Failure,
    records::{Protocol, Record, Records},
    transport::{Kind, Transport},
};

/// A visit without a message for this long counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client that stops reading stays, divided by the factor of the work.
const SILENCE: Duration = Duration::from_secs(40);
/// How long a client whose visit failed stays away.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// One visit in so many stops reading.
const SILENT_EACH: u64 = 100;

/// What all clients did.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) visits: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) silent: AtomicU64,
    /// Visits on which something was missing, twice there, or out of order, or that failed.
    pub(crate) lost: AtomicU64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [visits, silent, received, lost] =
            [&self.visits, &self.silent, &self.received, &self.lost]
                .map(|count| count.load(Relaxed));
        write!(
            f,
            "{visits} visits, {silent} without reading; {received} received, {lost} visits lost some"
        )
    }
}

/// The user that a client is.
pub(crate) fn user(number: u64) -> String {
    format!("user {number}")
}

pub(crate) struct Visitor {
    number: u64,
    user: UserId,
    hub: HubName,
    negotiator: Negotiator,
    http: reqwest::Client,
    tally: Arc<Tally>,
    work: f64,
}

impl Visitor {
    pub(crate) fn new(
        number: u64,
        service: &ConnectionString,
        tally: Arc<Tally>,
        work: f64,
    ) -> Result<Self, Failure> {
        Ok(Self {
            number,
            user: UserId::parse(&user(number))?,
            hub: HubName::parse("soak")?,
            negotiator: Negotiator::new(service)?,
            http: signalr_http_client::client(&Trust::default())?,
            tally,
            work,
        })
    }

    /// Visits the service again and again, each time by the next transport, until it is over.
    pub(crate) async fn come_and_go(self, is_over: Arc<AtomicBool>) {
        for visit in 0.. {
            if is_over.load(Relaxed) {
                return;
            }
            self.tally.visits.fetch_add(1, Relaxed);
            let way =
                Kind::WAYS[usize::try_from(self.number + visit).unwrap_or(0) % Kind::WAYS.len()];
            // 37 and 7 have no factor in common with 100: every client is silent once in 100 visits.
            let is_silent = (self.number * 37 + visit * 7).is_multiple_of(SILENT_EACH);
            let messages = 50 + (visit * 37 + self.number * 11) % 100;
            if let Err(failure) = self.visit(way, messages, is_silent, &is_over).await {
                self.tally.lost.fetch_add(1, Relaxed);
                sleep(AFTER_FAILURE).await;
                println!("client {} on visit {visit}: {failure}", self.number);
            }
        }
    }

    async fn visit(
        &self,
        (kind, protocol): (Kind, Protocol),
        messages: u64,
        is_silent: bool,
        is_over: &AtomicBool,
    ) -> Result<(), Failure> {
        let options = NegotiateOptions::default().with_user_id(self.user.clone());
        let answer = self.negotiator.negotiate(&self.hub, &options, SystemTime::now()).await?;
        let mut transport =
            Transport::open(kind, self.http.clone(), &answer.url, answer.access_token.as_str())
                .await?;
        let name = if protocol == Protocol::Json { "json" } else { "messagepack" };
        transport.send(format!("{{\"protocol\":\"{name}\",\"version\":1}}\u{1e}")).await?;
        let mut records = Records::new(protocol);
        if next(&mut transport, &mut records).await? != Record::Handshake {
            return Err("no handshake".into());
        }
        if protocol == Protocol::Json {
            transport
                .send("{\"type\":1,\"target\":\"call\",\"arguments\":[]}\u{1e}".to_owned())
                .await?;
        }
        if is_silent {
            self.tally.silent.fetch_add(1, Relaxed);
            sleep(SILENCE.div_f64(self.work)).await;
            return Ok(());
        }
        self.read(&mut transport, &mut records, messages, is_over).await?;
        transport.close().await
    }

    /// Reads that many numbers of each target, each of which follows the one before.
    async fn read(
        &self,
        transport: &mut Transport,
        records: &mut Records,
        messages: u64,
        is_over: &AtomicBool,
    ) -> Result<(), Failure> {
        let mut expected: HashMap<String, u64> = HashMap::new();
        let mut count = 0;
        while count < messages && !is_over.load(Relaxed) {
            match next(transport, records).await? {
                Record::Numbered(target, number) => {
                    let due = *expected.get(&target).unwrap_or(&number);
                    if number != due {
                        return Err(format!("{target} {number} came in place of {due}").into());
                    }
                    expected.insert(target, number + 1);
                    count += 1;
                    self.tally.received.fetch_add(1, Relaxed);
                }
                Record::Close(reason) => return Err(format!("closed: {reason}").into()),
                Record::Handshake | Record::Other => {}
            }
        }
        Ok(())
    }
}

async fn next(transport: &mut Transport, records: &mut Records) -> Result<Record, Failure> {
    loop {
        if let Some(record) = records.next()? {
            return Ok(record);
        }
        let bytes = timeout(PATIENCE, transport.receive()).await;
        records.add(&bytes.map_err(|_| "nothing came for 30 s")??);
    }
}
