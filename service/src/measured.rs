//! What the micro-benchmarks call: the steps of a send that are done for each message or each call.

mod node;

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::value::RawValue;
use signalr_serverless::{AccessKey, ConnectionId, GroupName, HubName, Token, UserId};
use tokio::runtime::{self, Runtime};

use crate::{
    app_server::{AppServers, ServiceModes},
    auth::{KeyRing, TokenUse, Verifier},
    broker::Broker,
    budget::QueueBudget,
    clock::Clock,
    config::Config,
    counters::Counters,
    filter::{Filter, Subject},
    hub::{
        Hubs,
        command::{Action, Target},
        message::{Content, Message},
        shard::Shared,
    },
    protocol::Protocol,
    query::Query,
    records::Records,
    request_path::RequestPaths,
    shard_of::ShardOf,
    store::Store,
};

pub use self::node::Node;

const HUB: &str = "bench";

/// What a bench needs could not be made.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A message of one argument, encoded for JSON clients.
///
/// # Errors
///
/// If `arguments` is not JSON.
pub fn json(arguments: &str) -> Result<impl Fn() -> usize, Failed> {
    encoder(arguments, Protocol::Json)
}

/// The same for MessagePack clients.
///
/// # Errors
///
/// If `arguments` is not JSON.
pub fn message_pack(arguments: &str) -> Result<impl Fn() -> usize, Failed> {
    encoder(arguments, Protocol::MessagePack)
}

fn encoder(arguments: &str, protocol: Protocol) -> Result<impl Fn() -> usize, Failed> {
    let message = message(arguments)?;
    Ok(move || message.encoded(protocol).map_or(0, |bytes| bytes.len()))
}

fn message(arguments: &str) -> Result<Message, Failed> {
    let arguments = RawValue::from_string(arguments.to_owned())?;
    let target = "newMessage".to_owned();
    Ok(Message::new(Content::Invocation { target, arguments, invocation_id: None }))
}

/// The check of a client's token.
///
/// # Errors
///
/// If the key or the token is none.
pub fn token_check(key: &str, token: Token) -> Result<impl Fn() -> bool, Failed> {
    let keys = KeyRing::new(&[AccessKey::parse(key)?]).ok_or("no key")?;
    let (verifier, hub) = (Verifier::new(keys, false), HubName::parse(HUB)?);
    let now = SystemTime::now();
    Ok(move || {
        verifier.verify_client(token.as_str(), &["localhost"], &hub, now, TokenUse::Last).is_ok()
    })
}

/// The query of a WebSocket with its token.
pub fn query(text: &str) -> impl Fn() -> bool + '_ {
    || Query::parse(Some(text)).first("hub").is_some()
}

/// The path of a request, as the routes write it.
pub fn path(text: &str) -> impl Fn() -> usize + '_ {
    let paths = RequestPaths::new(&[]);
    move || paths.canonical(text).len()
}

/// The parsing of a filter of `:execute`.
pub fn filter_parse(text: &str) -> impl Fn() -> bool + '_ {
    || text.parse::<Filter>().is_ok()
}

/// A filter for one connection of a user in two groups.
///
/// # Errors
///
/// If the filter is wrong.
pub fn filter_match(text: &str) -> Result<impl Fn() -> bool, Failed> {
    let filter = text.parse::<Filter>()?;
    let (connection, user) = (ConnectionId::parse("connection")?, UserId::parse("ann")?);
    let groups = [GroupName::parse("news")?, GroupName::parse("sports")?];
    Ok(move || {
        let subject = Subject { connection: &connection, user: Some(&user), groups: &groups };
        filter.matches(&subject)
    })
}

/// What shards need, as a service has it by default.
fn shared(store: Store, broker: Option<Broker>) -> Shared {
    let counters = Arc::new(Counters::default());
    let config = Config::default();
    Shared {
        rules: Arc::new(config.rules()),
        max_queued: config.max_queued_bytes,
        queue_budget: QueueBudget::new(usize::MAX, Arc::clone(&counters)),
        store: Arc::new(store),
        records: Records { counters, ..Records::default() },
        has_dashboard: false,
        upstream: None,
        broker,
        app_servers: Arc::new(AppServers::new(8, ServiceModes::default())),
        clock: Clock::start(),
    }
}

/// One shard without connections.
pub struct Dispatch {
    runtime: Runtime,
    hubs: Hubs,
    hub: HubName,
    message: Arc<Message>,
    user: UserId,
}

impl Dispatch {
    /// Starts the shard, which runs until the program ends.
    ///
    /// # Errors
    ///
    /// If the machine has no thread to give.
    pub fn start() -> Result<Self, Failed> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let context = runtime.enter();
        let shared = shared(Store::default(), None);
        let hubs = Hubs::start(ShardOf::new(NonZeroUsize::MIN), &shared)?;
        drop(context);
        Ok(Self {
            runtime,
            hubs,
            hub: HubName::parse(HUB)?,
            message: Arc::new(message("[1]")?),
            user: UserId::parse("nobody")?,
        })
    }

    /// Sends to a user who is not there, so many times, and waits until the last is carried out.
    pub fn send(&self, times: usize) {
        self.runtime.block_on(async {
            for time in 1..=times {
                let action = Action::Send {
                    recipients: Target::User(self.user.clone()).into(),
                    message: Arc::clone(&self.message),
                };
                // A shard stops at the end of the program only.
                let _ = match time == times {
                    true => self.hubs.carry_out(self.hub.clone(), action).await.map(|_| ()),
                    false => self.hubs.submit(self.hub.clone(), action).await,
                };
            }
        });
    }
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").finish_non_exhaustive()
    }
}

/// How long the tokens of the benches are good.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);
