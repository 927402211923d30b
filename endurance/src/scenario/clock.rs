//! The wall clock jumps by an hour, forward and back, while the monotonic clock continues.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::bar::at_most;
use crate::{Failure, Scale, client::listener::Listeners, publisher::publish, service::Service};

/// The paths of the library of Debian's package `faketime`, for each machine type.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];
const HOUR: i64 = 3600;
/// How long to wait until the library has read its file again and the service could have reacted
/// wrongly.
const NOTICED: Duration = Duration::from_secs(3);
const BAR: Duration = Duration::from_secs(1);
const CLIENTS: usize = 20;
const MESSAGES: u64 = 5;

/// Clients stay connected over each jump and get everything. New clients can connect.
pub(super) async fn run(binary: &str, scale: Scale) -> Result<String, Failure> {
    let library = LIBRARIES.into_iter().find(|path| Path::new(path).exists());
    let library = library.ok_or("no libfaketime; install the package faketime")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("time");
    fs::write(&file, "+0\n")?;
    let variables = HashMap::from([
        ("LD_PRELOAD", library.to_owned()),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
    ]);
    let service = Service::start(binary, &[], &variables, Stdio::inherit()).await?;
    let mut listeners = Listeners::of_each(&service.site, CLIENTS).await?;
    let (start, mut number, mut latest) = (Instant::now(), 0, Duration::ZERO);
    for ahead in [0, HOUR, 0, -HOUR, HOUR] {
        fs::write(&file, format!("{ahead:+}\n"))?;
        service.site.set_ahead(ahead);
        sleep(NOTICED).await;
        // New clients get a token with the new time. They leave at the end of this step.
        let newcomers = Listeners::of_each(&service.site, 1).await?;
        let next = number + MESSAGES;
        listeners.listen(number..next, start);
        publish(&service.site, number..next, Duration::from_millis(10), 10, start).await?;
        latest = latest.max(listeners.heard().await?);
        number = next;
        drop(newcomers);
    }
    at_most("the latest message", latest, scale.bar(BAR))?;
    Ok(format!("{} clients stayed; latest message {} ms", 3 * CLIENTS, latest.as_millis()))
}
