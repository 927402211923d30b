//! Certificates that follow their files.

use std::{sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    sync::watch::Sender,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::files::{Contents, Files};

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// Puts a new certificate in whenever the files have another than what is `in_use`, for as long as
/// somebody receives.
pub(super) async fn follow(files: Files, in_use: Contents, certificate: Sender<Arc<ServerConfig>>) {
    let mut seen = Seen::new(in_use);
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !certificate.is_closed() {
        period.tick().await;
        let files = files.clone();
        let looked = spawn_blocking(move || {
            let changed = seen.look(&files);
            (seen, changed)
        });
        let Ok((looked, changed)) = looked.await else { return };
        seen = looked;
        match changed {
            None => {}
            Some(Ok(new)) => {
                tracing::info!("the TLS certificate was read anew");
                certificate.send_replace(new);
            }
            Some(Err(problem)) => {
                tracing::error!(%problem, "the TLS certificate stays as it was");
            }
        }
    }
}

/// What the files had in the last two looks.
struct Seen {
    /// A text if they could not be read.
    last: Result<Contents, String>,
    /// Whether `last` was seen twice, and so is no half of a change.
    is_settled: bool,
}

impl Seen {
    fn new(in_use: Contents) -> Self {
        Self { last: Ok(in_use), is_settled: true }
    }

    /// What the files make if they have changed, and stayed so for two looks. Certificate and key
    /// are two files, so there is a moment at which they do not match.
    fn look(&mut self, files: &Files) -> Option<Result<Arc<ServerConfig>, String>> {
        let now = files.read().map_err(|error| error.to_string());
        if now != self.last {
            (self.last, self.is_settled) = (now, false);
            return None;
        }
        if std::mem::replace(&mut self.is_settled, true) {
            return None;
        }
        Some(now.and_then(|contents| contents.config().map_err(|error| error.to_string())))
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
        assert!(seen.look(&files).is_none() && seen.look(&files).is_none());
        fs::write(&cert, &new).unwrap();
        assert!(seen.look(&files).is_none(), "the key may follow");
        fs::write(&key, &new_key).unwrap();
        assert!(seen.look(&files).is_none());
        assert!(seen.look(&files).unwrap().is_ok());
        assert!(seen.look(&files).is_none(), "once");
        fs::write(&cert, "broken").unwrap();
        assert!(seen.look(&files).is_none());
        let error = seen.look(&files).unwrap().unwrap_err();
        assert!(error.contains("has no certificate"), "{error}");
        fs::remove_file(&key).unwrap();
        assert!(seen.look(&files).is_none());
        assert!(seen.look(&files).unwrap().unwrap_err().contains("cannot be read"));
        assert!(seen.look(&files).is_none(), "it is logged once");
    }
}
