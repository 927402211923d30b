//! Settings that follow their file.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use signalr_http_server::{ReloadSignals, Settled};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{Settings, SettingsError, file_at};

/// How often the file is checked for changes.
const PERIOD: Duration = Duration::from_secs(1);

impl Settings {
    /// Reads the file as [`read`](Self::read) does, and again whenever it changes, and at once on
    /// the signal. A new file that cannot be used is logged, and the settings before it hold.
    ///
    /// The file is followed until the receiver is dropped.
    ///
    /// # Errors
    ///
    /// The errors of [`read`](Self::read), for the present file.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn watch(
        path: &Path,
        reload: ReloadSignals,
    ) -> Result<watch::Receiver<Self>, SettingsError> {
        let path = file_at(path);
        let file = File::new(path.clone());
        let (sender, receiver) = watch::channel(Self::read(&path)?);
        tokio::spawn(follow(file, reload, sender));
        Ok(receiver)
    }
}

async fn follow(mut file: File, mut reload: ReloadSignals, settings: watch::Sender<Settings>) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !settings.is_closed() {
        let is_whole = tokio::select! {
            _ = period.tick() => false,
            () = reload.next() => true,
        };
        let looked = spawn_blocking(move || {
            let change = file.look(is_whole);
            (file, change)
        });
        let Ok((looked, change)) = looked.await else { return };
        file = looked;
        match change {
            None => {}
            Some(Ok(new)) => {
                let templates = new.templates();
                let changed = settings.send_if_modified(|old| {
                    let is_new = *old != new;
                    *old = new;
                    is_new
                });
                if changed {
                    tracing::info!(templates, "the upstream settings changed");
                }
            }
            Some(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the upstream settings stay as they were");
            }
        }
    }
}

/// The file and what it held.
struct File {
    path: PathBuf,
    /// `None` if it could not be read.
    seen: Settled<Option<Vec<u8>>>,
}

impl File {
    fn new(path: PathBuf) -> Self {
        let seen = Settled::new(signalr_small_file::read(&path).ok());
        Self { path, seen }
    }

    /// The settings, if the file has changed, and is the same in two reads or is known to be complete.
    /// Its bytes are compared, because times of files are too coarse and links may change.
    fn look(&mut self, is_whole: bool) -> Option<Result<Settings, SettingsError>> {
        let now = signalr_small_file::read(&self.path);
        self.seen.look(now.as_ref().ok().cloned(), is_whole)?;
        Some(Settings::of_file(self.path.clone(), now))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn text(host: &str) -> String {
        format!(r#"{{"UpstreamSettings":{{"Templates":[{{"UrlTemplate":"http://{host}/"}}]}}}}"#)
    }

    #[test]
    fn only_a_change_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        fs::write(&path, text("a")).unwrap();
        let mut file = File::new(path.clone());
        assert!(file.look(false).is_none());
        fs::write(&path, text("b")).unwrap();
        assert!(file.look(false).is_none(), "it may be half of a change");
        assert_eq!(file.look(false).unwrap().unwrap(), Settings::all_to("http://b/").unwrap());
        assert!(file.look(false).is_none());
        fs::write(&path, "{").unwrap();
        assert!(matches!(file.look(true), Some(Err(SettingsError::File(..)))));
        assert!(file.look(true).is_none());
        fs::remove_file(&path).unwrap();
        assert!(matches!(file.look(true), Some(Err(SettingsError::Unreadable(..)))));
        assert!(file.look(true).is_none());
        fs::write(&path, vec![b' '; 2 << 20]).unwrap();
        assert!(file.look(true).is_none(), "it is as good as absent");
        fs::write(&path, text("b")).unwrap();
        assert!(file.look(true).unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_arrives_and_a_bad_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        assert!(Settings::watch(folder.path(), ReloadSignals::default()).is_err());
        fs::write(&path, text("a")).unwrap();
        let mut settings = Settings::watch(folder.path(), ReloadSignals::default()).unwrap();
        assert_eq!(*settings.borrow_and_update(), Settings::all_to("http://a/").unwrap());
        fs::write(&path, "no settings").unwrap();
        tokio::time::sleep(PERIOD * 3).await;
        assert!(!settings.has_changed().unwrap());
        fs::write(&path, text("b")).unwrap();
        settings.changed().await.unwrap();
        assert_eq!(*settings.borrow(), Settings::all_to("http://b/").unwrap());
    }
}
