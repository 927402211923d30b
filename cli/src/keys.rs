//! The access keys of a service, as flags.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use signalr_http_server::{ReloadSignals, Settled};
use signalr_serverless::AccessKey;
use signalr_service::WELL_KNOWN_ACCESS_KEY;
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use crate::failure::Failure;

/// How often the file is checked for changes.
const LOOK: Duration = Duration::from_secs(1);

/// The flags of `signalr serve` for the keys that sign tokens.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyFlags {
    /// Key that may sign tokens, repeatable [default without --access-key-file: the well-known key of
    /// asrs-emulator]
    #[arg(
        long = "access-key",
        value_name = "KEY",
        env = "SIGNALR_ACCESS_KEY",
        hide_env_values = true,
        value_parser = AccessKey::parse
    )]
    access_keys: Vec<AccessKey>,

    /// File with further keys, one on each line; changes are followed
    #[arg(long, value_name = "FILE", env = "SIGNALR_ACCESS_KEY_FILE")]
    access_key_file: Option<PathBuf>,

    /// Accept the well-known key from other machines, for tests only: everybody can then send to every
    /// client
    #[arg(long)]
    insecure_key: bool,
}

impl KeyFlags {
    /// The given keys, or the well-known key if there are none.
    ///
    /// If other machines can reach the service (`for_this_machine` is false), the well-known key is
    /// refused. Such a service needs a key that only its users know.
    pub(crate) fn read(&self, for_this_machine: bool) -> Result<Keys, Failure> {
        let mut keys = self.access_keys.clone();
        if let Some(file) = &self.access_key_file {
            keys.extend(in_file(file)?);
        }
        let keys = Keys(keys);
        if !for_this_machine && !self.insecure_key && keys.have_the_well_known_one() {
            return Err(Failure::Configuration(
                "other machines can reach this service, and its access key is the one that everybody \
                 knows: everyone who reaches it can send to every client. Set a key of your own with \
                 --access-key, such as the output of `openssl rand -base64 32`. For a test, \
                 --insecure-key allows it"
                    .to_owned(),
            ));
        }
        Ok(keys)
    }
}

/// Reads the keys again whenever their file changes, and at once on SIGHUP. If the file cannot be
/// used, this is logged and the earlier keys stay. `in_use` has the keys that the service starts with.
pub(crate) fn follow(
    flags: KeyFlags,
    for_this_machine: bool,
    in_use: Vec<AccessKey>,
    mut reload: ReloadSignals,
) -> watch::Receiver<Vec<AccessKey>> {
    let (changes, receiver) = watch::channel(Vec::new());
    let mut seen = Settled::new(Ok(in_use));
    tokio::spawn(async move {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let is_whole = tokio::select! {
                _ = looks.tick() => false,
                () = reload.next() => {
                    tracing::info!("SIGHUP came: access keys, certificate and upstream settings are read again now");
                    true
                }
                () = changes.closed() => return,
            };
            let flags = flags.clone();
            let read = spawn_blocking(move || flags.read(for_this_machine));
            let Ok(read) = read.await else { return };
            let now = read.map(Keys::into_access_keys).map_err(|failure| failure.to_string());
            match seen.look(now, is_whole) {
                None => {}
                Some(Ok(keys)) => drop(changes.send_replace(keys.clone())),
                Some(Err(problem)) => {
                    tracing::error!(%problem, "the access keys stay as they were")
                }
            }
        }
    });
    receiver
}

/// The keys of a service. No key means the well-known key.
#[derive(Debug)]
pub(crate) struct Keys(Vec<AccessKey>);

impl Keys {
    /// The key for the printed connection string. The user's own key is a secret and not shown.
    pub(crate) fn shown(&self) -> &'static str {
        if self.0.is_empty() { WELL_KNOWN_ACCESS_KEY } else { "<your-key>" }
    }

    /// Whether the well-known key is accepted, by default or because it was given.
    pub(crate) fn have_the_well_known_one(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(is_well_known)
    }

    /// The keys themselves.
    pub(crate) fn into_access_keys(self) -> Vec<AccessKey> {
        if self.0.is_empty() { signalr_service::Config::default().access_keys } else { self.0 }
    }
}

fn is_well_known(key: &AccessKey) -> bool {
    key.as_bytes() == WELL_KNOWN_ACCESS_KEY.as_bytes()
}

/// The keys of a file: one on each line, without the white space around it. Empty lines are ignored.
fn in_file(file: &Path) -> Result<Vec<AccessKey>, Failure> {
    let bad = |found: &dyn std::fmt::Display| {
        Failure::Configuration(format!("--access-key-file '{}': {found}", file.display()))
    };
    let bytes = signalr_small_file::read(file).map_err(|error| bad(&error))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| bad(&"it is not UTF-8 text; write one access key on each line"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<_> = lines.filter_map(|line| AccessKey::parse(line).ok()).collect();
    if keys.is_empty() {
        return Err(bad(&"it is empty; write one access key on each line"));
    }
    Ok(keys)
}
