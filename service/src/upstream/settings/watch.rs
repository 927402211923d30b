//! Settings that follow their file.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use signalr_http_server::ReloadSignals;
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
    /// the signal. A new file that
    /// cannot be used is logged, and the settings before it hold.
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
        tokio::select! {
            _ = period.tick() => {}
            () = reload.next() => {}
        }
        let looked = spawn_blocking(move || {
            let change = file.look();
            (file, change)
        });
        let Ok((looked, change)) = looked.await else { return };
        file = looked;
        match change {
            None => {}
            Some(Ok(new)) => {
                settings.send_if_modified(|old| {
                    let is_new = *old != new;
                    if is_new {
                        tracing::info!(
                            templates = new.templates(),
                            "the upstream settings changed"
                        );
                        *old = new;
                    }
                    is_new
                });
            }
            Some(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the upstream settings stay as they were");
            }
        }
    }
}

/// The last seen state of the file.
struct File {
    path: PathBuf,
    /// `None` if it could not be read.
    seen: Option<Vec<u8>>,
}

impl File {
    fn new(path: PathBuf) -> Self {
        let seen = signalr_small_file::read(&path).ok();
        Self { path, seen }
    }

    /// The settings, if the file has changed. Its bytes are compared, because times of files are
    /// too coarse and links may change.
    fn look(&mut self) -> Option<Result<Settings, SettingsError>> {
        let now = signalr_small_file::read(&self.path);
        if now.as_ref().ok() == self.seen.as_ref() {
            return None;
        }
        self.seen = now.as_ref().ok().cloned();
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
        assert!(file.look().is_none());
        fs::write(&path, text("b")).unwrap();
        assert_eq!(file.look().unwrap().unwrap(), Settings::all_to("http://b/").unwrap());
        assert!(file.look().is_none());
        fs::write(&path, "{").unwrap();
        assert!(matches!(file.look(), Some(Err(SettingsError::File(..)))));
        assert!(file.look().is_none());
        fs::remove_file(&path).unwrap();
        assert!(matches!(file.look(), Some(Err(SettingsError::Unreadable(..)))));
        assert!(file.look().is_none());
        fs::write(&path, vec![b' '; 2 << 20]).unwrap();
        assert!(file.look().is_none(), "it is as good as absent");
        fs::write(&path, text("b")).unwrap();
        assert!(file.look().unwrap().is_ok());
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
