//! How many files the system lets this process have open. A socket is one of them.

use std::io;

/// How many other files may be open: files of shards, calls of upstreams and issuers, and
/// connections that are being refused.
const OTHERS: u64 = 512;
/// The largest number of sockets. A system without a limit does not have memory for more.
const MOST: u64 = 4_000_000;

/// Raises the limit as far as the system allows. Returns how many files may be open.
///
/// # Errors
///
/// If the system does not say what the limit is.
#[cfg(unix)]
pub(crate) fn raise_limit() -> io::Result<u64> {
    use rlimit::Resource;

    let (_, hard) = Resource::NOFILE.get()?;
    // Some systems refuse their own hard limit. The limit then stays as it is.
    let _ = rlimit::increase_nofile_limit(hard);
    let (soft, _) = Resource::NOFILE.get()?;
    Ok(soft)
}

/// For a system without such a limit.
#[cfg(not(unix))]
pub(crate) fn raise_limit() -> io::Result<u64> {
    Ok(MOST)
}

/// How many sockets a limit of open files allows.
pub(crate) fn sockets(files: u64) -> usize {
    let others = OTHERS.min(files / 4);
    let sockets = files.saturating_sub(others).min(MOST);
    usize::try_from(sockets).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_files_are_sockets() {
        for (files, expected) in
            [(256, 192), (1024, 768), (20_000, 19_488), (1 << 30, 4_000_000), (0, 0)]
        {
            assert_eq!(sockets(files), expected, "{files}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_limit_is_as_high_as_it_goes() {
        let (_, hard) = rlimit::Resource::NOFILE.get().unwrap();
        assert_eq!(raise_limit().unwrap(), hard);
    }
}
