//! Memberships in a file, which outlives the process. Questions are answered from memory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};
use signalr_serverless::{HubName, UserId};

use super::{
    membership::Membership,
    memory::{Kept, MemoryStore},
};
use crate::broker::{Malformed, Reader, Writer};

const FILE: &str = "memberships.redb";
const VERSION: u64 = 1;

/// `hub, user, group` to `u64 end in milliseconds since 1970 | u8 whether it has no time of its own |
/// u64 order of the changes`.
const MEMBERSHIPS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("memberships");
/// The version of the file's format, under the key `version`.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

/// Keeps memberships in a file.
#[derive(Debug)]
pub(crate) struct DiskStore {
    memory: MemoryStore,
    file: Arc<Database>,
}

/// The data folder cannot be used. Its content was not changed.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} cannot be used: {problem}; nothing in it was changed. Move it away to begin without the \
     users' groups in it"
)]
pub struct DataError {
    path: PathBuf,
    problem: String,
}

/// The error for a change that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the change could not be written to the disk: {0}; try again later")]
pub(crate) struct NotWritten(String);

impl DiskStore {
    /// Opens the file in this folder, or creates it. A file that is damaged, or of a later version, is
    /// not changed.
    pub(crate) fn open(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(FILE);
        let failed = |problem: String| DataError { path: path.clone(), problem };
        fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        let memory = MemoryStore::default();
        let file = read(&path, &memory).map_err(|error| failed(error.to_string()))?;
        Ok(Self { memory, file: Arc::new(file) })
    }

    pub(super) fn memory(&self) -> &MemoryStore {
        &self.memory
    }

    /// Writes the state of these memberships in memory to the file.
    pub(super) async fn write(&self, memberships: Vec<Membership>) -> Result<(), NotWritten> {
        let kept: Vec<(Membership, Option<Kept>)> =
            memberships.into_iter().map(|one| (one.clone(), self.memory.kept(&one))).collect();
        if kept.is_empty() {
            return Ok(());
        }
        let file = Arc::clone(&self.file);
        let written = tokio::task::spawn_blocking(move || write(&file, &kept)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(NotWritten(error.to_string())),
            Err(error) => Err(NotWritten(error.to_string())),
        }
    }

    /// All memberships of a user in a hub.
    pub(super) fn of_user(&self, hub: &HubName, user: &UserId) -> Vec<Membership> {
        let groups = self.memory.all_groups(hub, user).into_iter();
        groups.map(|group| Membership { hub: hub.clone(), user: user.clone(), group }).collect()
    }
}

/// Opens the file and loads it into memory.
fn read(path: &Path, memory: &MemoryStore) -> Result<Database, Box<dyn std::error::Error>> {
    if let Ok(metadata) = fs::metadata(path)
        && (!metadata.is_file() || metadata.len() == 0)
    {
        return Err(io::Error::other("it is empty, or no file").into());
    }
    let mut builder = Builder::new();
    builder.set_check_integrity_on_open(true);
    let file = builder.create(path)?;
    let writing = file.begin_write()?;
    {
        let mut about = writing.open_table(ABOUT)?;
        let version = about.get("version")?.map(|version| version.value());
        match version {
            None => drop(about.insert("version", VERSION)?),
            Some(VERSION) => {}
            Some(version) => {
                let problem = format!("it has version {version}, and this service knows {VERSION}");
                return Err(io::Error::other(problem).into());
            }
        }
        writing.open_table(MEMBERSHIPS)?;
    }
    writing.commit()?;
    for entry in file.begin_read()?.open_table(MEMBERSHIPS)?.iter()? {
        let (key, value) = entry?;
        let membership = read_key(key.value())?;
        memory.load(membership, read_kept(value.value())?);
    }
    Ok(file)
}

fn write(file: &Database, kept: &[(Membership, Option<Kept>)]) -> Result<(), redb::Error> {
    let writing = file.begin_write()?;
    {
        let mut memberships = writing.open_table(MEMBERSHIPS)?;
        for (membership, kept) in kept {
            let key = key(membership);
            match kept {
                Some(kept) => drop(memberships.insert(&*key, &*value(kept))?),
                None => drop(memberships.remove(&*key)?),
            }
        }
    }
    writing.commit()?;
    Ok(())
}

fn key(Membership { hub, user, group }: &Membership) -> bytes::Bytes {
    let mut writer = Writer::default();
    writer.text(hub.as_str()).text(user.as_str()).text(group.as_str());
    writer.finish()
}

fn read_key(bytes: &[u8]) -> Result<Membership, Malformed> {
    let mut reader = Reader::new(bytes.to_vec().into());
    Ok(Membership { hub: reader.name()?, user: reader.name()?, group: reader.name()? })
}

fn value(kept: &Kept) -> bytes::Bytes {
    let end = kept.expires.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut writer = Writer::default();
    writer.u64(u64::try_from(end.as_millis()).unwrap_or(u64::MAX));
    writer.flag(kept.is_untimed).u64(kept.changed);
    writer.finish()
}

fn read_kept(bytes: &[u8]) -> Result<Kept, Malformed> {
    let mut reader = Reader::new(bytes.to_vec().into());
    let end = Duration::from_millis(reader.u64()?);
    let expires = SystemTime::UNIX_EPOCH.checked_add(end).ok_or(Malformed)?;
    Ok(Kept { expires, is_untimed: reader.flag()?, changed: reader.u64()? })
}

#[cfg(test)]
mod tests {
    use signalr_serverless::GroupName;

    use super::*;

    fn membership(group: &str) -> Membership {
        Membership {
            hub: HubName::parse("chat").unwrap(),
            user: UserId::parse("ann").unwrap(),
            group: GroupName::parse(group).unwrap(),
        }
    }

    async fn add(store: &DiskStore, group: &str, ttl: Option<Duration>, now: SystemTime) {
        let dropped = store.memory.add(membership(group), ttl, now);
        let changed = dropped.iter().map(|group| membership(group.as_str()));
        store.write(changed.chain([membership(group)]).collect()).await.unwrap();
    }

    fn groups(store: &DiskStore, now: SystemTime) -> Vec<String> {
        let Membership { hub, user, .. } = membership("any");
        let groups = store.memory.groups(&hub, &user, now);
        let mut groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        groups.sort();
        groups
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let store = DiskStore::open(folder.path()).unwrap();
        add(&store, "timed", Some(Duration::from_secs(10)), now).await;
        for number in 0..101 {
            add(&store, &format!("g{number:03}"), None, now).await;
        }
        store.memory.remove(&membership("g050"));
        store.write(vec![membership("g050")]).await.unwrap();
        drop(store);
        let store = DiskStore::open(folder.path()).unwrap();
        let kept = groups(&store, now);
        assert_eq!(kept.len(), 100);
        assert!(kept.contains(&"timed".to_owned()) && !kept.contains(&"g000".to_owned()));
        assert_eq!(groups(&store, now + Duration::from_secs(10)).len(), 99);
        // The order of the changes continues.
        add(&store, "new", None, now).await;
        add(&store, "newer", None, now).await;
        let kept = groups(&store, now);
        assert!(kept.contains(&"new".to_owned()) && !kept.contains(&"g001".to_owned()));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let store = DiskStore::open(folder.path()).unwrap();
        add(&store, "g", None, SystemTime::now()).await;
        let locked = DiskStore::open(folder.path()).unwrap_err();
        assert!(locked.to_string().contains(FILE), "{locked}");
        drop(store);
        let good = signalr_small_file::read(&path).unwrap();
        let middle = good.len() / 2;
        let mut damaged = good.clone();
        damaged[..512].fill(b'x');
        for bad in [
            Vec::new(),
            b"something else".to_vec(),
            vec![0; 8192],
            good[..middle].to_vec(),
            damaged,
        ] {
            fs::write(&path, &bad).unwrap();
            let error = DiskStore::open(folder.path()).unwrap_err();
            assert!(error.to_string().contains("nothing in it was changed"), "{error}");
            assert!(signalr_small_file::read(&path).unwrap() == bad, "the file was changed");
        }
        fs::write(&path, &good).unwrap();
        let file = Database::create(&path).unwrap();
        let writing = file.begin_write().unwrap();
        writing.open_table(ABOUT).unwrap().insert("version", VERSION + 1).unwrap();
        writing.commit().unwrap();
        drop(file);
        let error = DiskStore::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
    }
}
