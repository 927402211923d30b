//! Reads certificates again when their files change.

use std::{sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    sync::watch::Sender,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::files::{Contents, Files};
use crate::reload::{ReloadSignals, Settled};

/// How often the files are read.
const PERIOD: Duration = Duration::from_secs(1);

/// Sends a new certificate when the files differ from what is `in_use`. It runs as long as there is a
/// receiver. The signal means that both files are complete, so they are used at once.
pub(super) async fn follow(
    files: Files,
    in_use: Contents,
    mut reload: ReloadSignals,
    certificate: Sender<Arc<ServerConfig>>,
) {
    let mut seen = Seen::new(in_use);
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !certificate.is_closed() {
        let are_whole = tokio::select! {
            _ = period.tick() => false,
            () = reload.next() => true,
        };
        let files = files.clone();
        let looked = spawn_blocking(move || {
            let changed = seen.look(&files, are_whole);
            (seen, changed)
        });
        let Ok((looked, changed)) = looked.await else { return };
        seen = looked;
        match changed {
            None => {}
            Some(Ok(new)) => {
                certificate.send_replace(new);
                tracing::info!("the TLS certificate was read anew");
            }
            Some(Err(problem)) => {
                tracing::error!(%problem, "the TLS certificate stays as it was");
            }
        }
    }
}

/// The contents of the files, or the error text if they could not be read.
///
/// Certificate and key are two files, so during a change there is a moment when they do not match.
struct Seen(Settled<Result<Contents, String>>);

impl Seen {
    fn new(in_use: Contents) -> Self {
        Self(Settled::new(Ok(in_use)))
    }

    /// Reads the files. Returns the new configuration if they have changed, and are the same in two
    /// reads or are known to be complete.
    fn look(
        &mut self,
        files: &Files,
        are_whole: bool,
    ) -> Option<Result<Arc<ServerConfig>, String>> {
        let now = files.read().map_err(|error| error.to_string());
        let contents = self.0.look(now, are_whole)?.as_ref().map_err(String::clone);
        Some(contents.and_then(|contents| contents.config().map_err(|error| error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::generate_simple_self_signed;

    use super::*;

    fn pair() -> (String, String) {
        let pair = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (pair.cert.pem(), pair.signing_key.serialize_pem())
    }

    #[test]
    fn a_change_counts_once_both_files_have_settled() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let files = Files::new(&cert, &key);
        let ((old, old_key), (new, new_key)) = (pair(), pair());
        fs::write(&cert, &old).unwrap();
        fs::write(&key, &old_key).unwrap();
        let mut seen = Seen::new(files.read().ok().unwrap());
        assert!(seen.look(&files, false).is_none() && seen.look(&files, false).is_none());
        fs::write(&cert, &new).unwrap();
        assert!(seen.look(&files, false).is_none(), "the key may follow");
        fs::write(&key, &new_key).unwrap();
        assert!(seen.look(&files, false).is_none());
        assert!(seen.look(&files, false).unwrap().is_ok());
        assert!(seen.look(&files, false).is_none(), "once");
        fs::write(&cert, &old).unwrap();
        fs::write(&key, &old_key).unwrap();
        assert!(seen.look(&files, true).unwrap().is_ok(), "at once");
        assert!(seen.look(&files, true).is_none(), "once");
        fs::write(&cert, "broken").unwrap();
        assert!(seen.look(&files, false).is_none());
        let error = seen.look(&files, false).unwrap().unwrap_err();
        assert!(error.contains("has no certificate"), "{error}");
        fs::remove_file(&key).unwrap();
        assert!(seen.look(&files, false).is_none());
        assert!(seen.look(&files, false).unwrap().unwrap_err().contains("cannot be read"));
        assert!(seen.look(&files, false).is_none(), "it is logged once");
    }
}
