//! How much memory there is.

use std::path::Path;

/// What is taken for the memory if the system does not say.
const UNKNOWN: u64 = 1024 * 1024 * 1024;

/// A quarter of the memory that this process may use, in bytes: of the machine's, or of its control
/// group's if that is less.
pub(crate) fn quarter() -> usize {
    let text = |file| {
        let bytes = signalr_small_file::read(Path::new(file)).ok()?;
        String::from_utf8(bytes).ok()
    };
    let machine = text("/proc/meminfo").and_then(|text| total(&text));
    let group = text("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    let memory = machine.into_iter().chain(group).min().unwrap_or(UNKNOWN);
    usize::try_from(memory / 4).unwrap_or(usize::MAX)
}

/// `MemTotal` of `/proc/meminfo`, which is in units of 1,024 bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read() {
        let text = "MemFree:  12 kB\nMemTotal:       24601128 kB\nBuffers: 1 kB\n";
        assert_eq!(total(text), Some(24_601_128 * 1024));
        for bad in ["", "MemTotal: x kB", "MemTotal: 12", "MemTotal: 99999999999999999999 kB"] {
            assert_eq!(total(bad), None, "{bad}");
        }
        assert!(quarter() > 0);
    }
}
