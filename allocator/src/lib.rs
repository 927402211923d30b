//! Gives memory that the allocator keeps back to the system.
//!
//! The C library of most Linux systems keeps the memory of freed blocks for later blocks, except at
//! the end of a heap. A process that was busy for a minute then stays as large as in that minute.
//! [`return_free_memory`] gives the free pages back.
//!
//! This is a separate crate because it has the only unsafe block of the project.

/// Gives free pages of all heaps back to the system.
///
/// The call takes about a millisecond for each 10 MiB of free memory. A thread that allocates meanwhile
/// may wait as long as the work on its own heap takes. So make the call seldom, on a thread that may
/// block. On other systems and with other C libraries it does nothing, because they have no such call.
///
/// # Examples
///
/// ```
/// drop(vec![0_u8; 1 << 20]);
/// signalr_allocator::return_free_memory();
/// ```
pub fn return_free_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "the C library's own call; there is no safe one")]
    // SAFETY: any thread may make this call at any time. Source: malloc_trim(3). Its argument is a number.
    let _any_was_returned = unsafe { libc::malloc_trim(0) };
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::fs;

    use super::*;

    /// The resident memory of this process, in KiB.
    #[expect(clippy::disallowed_methods, reason = "the system's own file, with an end")]
    fn resident() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_lies_between_blocks_in_use_is_returned() {
        let mut blocks: Vec<Vec<u8>> = (0..40_000).map(|_| vec![1; 1000]).collect();
        // The last block stays, so the end of the heap does not move.
        let last = blocks.pop();
        drop(blocks);
        let kept = resident();

        return_free_memory();

        let left = resident();
        assert!(left + 30_000 < kept, "{left} KiB of {kept} are left");
        drop(last);
    }
}
