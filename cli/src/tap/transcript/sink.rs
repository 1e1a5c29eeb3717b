//! Where the transcript goes.

use super::Format;
use crate::failure::Told;
use crate::out;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// More is not kept: whoever has more to tell waits.
const MOST: usize = 4 << 20;

/// So much is written at once, without waiting for more.
const MUCH: usize = 256 << 10;

/// How long little may wait to be written.
const PATIENCE: Duration = Duration::from_millis(10);

/// How the writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// All was written.
    All,
    /// The reader went away.
    ReaderGone,
    /// It failed, which was told.
    Failed,
}

/// Takes what is to be written.
#[derive(Debug, Default)]
pub struct Sink {
    waiting: Mutex<Waiting>,
    work: Condvar,
    room: Condvar,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    finishing: bool,
}

impl Sink {
    /// Where nobody reads.
    pub fn nowhere() -> Arc<Sink> {
        let sink = Sink::default();
        sink.closed.store(true, Ordering::Relaxed);
        Arc::new(sink)
    }

    /// Starts to write to a file. The thread ends after [`finish`](Sink::finish).
    pub fn start(file: File, format: Format) -> io::Result<(Arc<Sink>, JoinHandle<Written>)> {
        let sink = Arc::new(Sink::default());
        sink.append(&format.head());
        let own = Arc::clone(&sink);
        let writer = thread::Builder::new().name("transcript".into());
        let thread = writer.spawn(move || own.write(file, format))?;
        Ok((sink, thread))
    }

    /// Whether nothing is written any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands bytes over. It waits only while very much is not written yet.
    pub fn append(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        while waiting.bytes.len() > MOST && !self.is_closed() {
            waiting = self.room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if self.is_closed() {
            return;
        }
        let before = waiting.bytes.len();
        waiting.bytes.extend_from_slice(bytes);
        if before == 0 || (before < MUCH && waiting.bytes.len() >= MUCH) {
            self.work.notify_one();
        }
    }

    /// What is handed over is still written, and nothing after it.
    pub fn finish(&self) {
        self.lock().finishing = true;
        self.work.notify_one();
    }

    /// Takes out what waits; `None` if nothing will come any more.
    fn next(&self, spare: Vec<u8>) -> Option<Vec<u8>> {
        let mut waiting = self.lock();
        while waiting.bytes.is_empty() && !waiting.finishing {
            waiting = self.work.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        // More is about to come, and one write of much costs little more than one of little.
        if waiting.bytes.len() < MUCH && !waiting.finishing {
            let soon = |waiting: &mut Waiting| waiting.bytes.len() < MUCH && !waiting.finishing;
            let waited = self.work.wait_timeout_while(waiting, PATIENCE, soon);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let bytes = std::mem::replace(&mut waiting.bytes, spare);
        self.room.notify_all();
        (!bytes.is_empty()).then_some(bytes)
    }

    fn write(&self, mut file: File, format: Format) -> Written {
        let mut spare = Vec::new();
        while let Some(mut bytes) = self.next(spare) {
            let mut written = 0;
            if let Err(error) = write_all(&mut file, &bytes, &mut written) {
                self.closed.store(true, Ordering::Relaxed);
                self.room.notify_all();
                // What follows the last whole line would only mislead. Pipes cannot take it back.
                let surplus = written - format.whole(&bytes, written);
                let _ = shorten(&file, surplus);
                if error.kind() == ErrorKind::BrokenPipe {
                    out::complain(
                        "nobody reads the transcript any more: it ends here; \
                                   the connections go on",
                    );
                    return Written::ReaderGone;
                }
                out::complain(&format!(
                    "cannot write the transcript: {}: it ends here; the connections go on",
                    error.told()
                ));
                return Written::Failed;
            }
            bytes.clear();
            spare = bytes;
        }
        Written::All
    }
}

fn write_all(file: &mut File, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while *written < bytes.len() {
        match file.write(&bytes[*written..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => *written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn shorten(file: &File, surplus: usize) -> io::Result<()> {
    let status = file.metadata()?;
    if status.is_file() && surplus > 0 {
        file.set_len(status.len().saturating_sub(surplus as u64))?;
    }
    Ok(())
}
