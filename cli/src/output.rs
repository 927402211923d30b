//! Standard output and standard error, each behind a thread. The command continues if nobody reads a
//! pipe or if a disk is full.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// The most bytes that wait to be written. Texts beyond this are left out and counted.
const MAX_WAITING: usize = 1024 * 1024;
/// After a text was left out, new texts are taken only when no more bytes than this wait.
const TAKEN_AGAIN: usize = MAX_WAITING / 2;

/// An output that takes texts and never waits. Clones share one queue.
#[derive(Clone, Debug)]
pub(crate) struct Output(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    // Held for short synchronous sections only.
    state: Mutex<State>,
    /// Wakes waiters when a text came or was written.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    /// How many bytes wait.
    bytes: usize,
    /// How many texts were left out and not reported yet.
    left_out: u64,
    /// Whether the thread is writing a text.
    is_writing: bool,
}

impl Output {
    /// Starts the thread that writes to `file`.
    ///
    /// # Errors
    ///
    /// If the system cannot start a thread.
    pub(crate) fn start(name: &'static str, file: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let output = Self(Arc::clone(&shared));
        thread::Builder::new().name(name.to_owned()).spawn(move || shared.write_to(file, name))?;
        Ok(output)
    }

    /// Puts a text into the queue, or leaves it out if too much waits.
    pub(crate) fn send(&self, text: &[u8]) {
        let mut state = self.0.lock();
        let most = if state.left_out > 0 { TAKEN_AGAIN } else { MAX_WAITING };
        if state.bytes.saturating_add(text.len()) > most {
            state.left_out += 1;
            return;
        }
        state.bytes += text.len();
        state.waiting.push_back(text.to_vec());
        self.0.changed.notify_all();
    }

    /// Waits until everything is written, at most this long.
    pub(crate) fn flush(&self, at_most: Duration) {
        let busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.0.lock(), at_most, busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Write for Output {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.send(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    /// Writes the texts of the queue until the process ends.
    fn write_to(&self, mut file: impl Write, name: &str) {
        let mut unwritten = 0_u64;
        loop {
            let text = self.next();
            match file.write_all(&text).and_then(|()| file.flush()) {
                Ok(()) if unwritten > 0 => {
                    tracing::error!(to = name, lines = unwritten, "lines could not be written");
                    unwritten = 0;
                }
                Ok(()) => {}
                Err(error) => {
                    // If the output is standard error itself, this line is lost too.
                    if unwritten == 0 {
                        tracing::warn!(%error, "nothing can be written to {name}");
                    }
                    unwritten += 1;
                }
            }
            if let Some(lines) = self.done() {
                tracing::error!(to = name, lines, "lines were left out, since nobody read");
            }
        }
    }

    /// Waits for the next text.
    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            if let Some(text) = state.waiting.pop_front() {
                state.bytes -= text.len();
                state.is_writing = true;
                return text;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that a text is done. If there is room for a report, returns how many texts were left
    /// out before.
    fn done(&self) -> Option<u64> {
        let mut state = self.lock();
        state.is_writing = false;
        self.changed.notify_all();
        (state.left_out > 0 && state.bytes <= TAKEN_AGAIN / 2)
            .then(|| std::mem::take(&mut state.left_out))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A pipe without room: each write waits until the test reads.
    struct Pipe(SyncSender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.send(text.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn pipe() -> (Output, Receiver<Vec<u8>>) {
        let (end, read) = sync_channel(0);
        (Output::start("pipe", Pipe(end)).unwrap(), read)
    }

    #[test]
    fn what_is_sent_is_written_in_order() {
        let (output, read) = pipe();
        output.send(b"one");
        output.send(b"two");
        assert_eq!(read.recv_timeout(LONG).unwrap(), b"one");
        assert_eq!(read.recv_timeout(LONG).unwrap(), b"two");
        output.flush(LONG);
    }

    #[test]
    fn what_nobody_reads_has_a_bound_and_is_counted() {
        let (output, read) = pipe();
        let text = vec![b'x'; 64 * 1024];
        for _ in 0..1000 {
            output.send(&text);
        }
        let state = output.0.lock();
        assert!(state.bytes <= MAX_WAITING, "{} bytes wait", state.bytes);
        // The thread may be writing one of them.
        let taken = state.waiting.len() as u64 + u64::from(state.is_writing);
        assert_eq!(state.left_out + taken, 1000);
        drop(state);
        for _ in 0..taken {
            assert_eq!(read.recv_timeout(LONG).unwrap(), text);
        }
        output.flush(LONG);
        assert_eq!(output.0.lock().left_out, 0, "it was said");
        output.send(b"taken again");
        assert_eq!(read.recv_timeout(LONG).unwrap(), b"taken again");
    }

    #[test]
    fn a_file_that_takes_nothing_holds_up_nobody() {
        let (output, read) = pipe();
        drop(read);
        for _ in 0..100 {
            output.send(b"lost");
        }
        output.flush(LONG);
        assert_eq!(output.0.lock().bytes, 0);
    }
}
