//! Standard output, of which no write waits.

use super::framing::Framing;
use crate::failure::Told;
use crate::out::Stop;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// What a pipe takes without waiting once `poll` says that it is writable (`PIPE_BUF`).
const PIECE: usize = 4096;

/// Standard output, and what is still to be written.
pub struct Output {
    file: File,
    framing: Framing,
    waiting: Vec<u8>,
    written: usize,
    /// What may be written at once.
    piece: usize,
}

impl Output {
    pub fn new(framing: Framing) -> io::Result<Output> {
        // The buffers of `std::io::Stdout` would wait to be written out.
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let piece = if file.metadata()?.is_file() { usize::MAX } else { PIECE };
        Ok(Output { file, framing, waiting: Vec::new(), written: 0, piece })
    }

    /// Takes a message, or bytes of a stream. Call it only if there is nothing to write.
    pub fn put(&mut self, message: &[u8]) {
        self.framing.write(message, &mut self.waiting);
    }

    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes a piece.
    ///
    /// # Errors
    /// The reader is gone, or the disk is full.
    pub fn write(&mut self) -> Result<(), Stop> {
        let rest = &self.waiting[self.written..];
        match self.file.write(&rest[..rest.len().min(self.piece)]) {
            Ok(count) => self.written += count,
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(e) if e.kind() == ErrorKind::BrokenPipe => return Err(Stop::ReaderGone),
            Err(e) => {
                return Err(Stop::trouble(format!(
                    "cannot write to standard output: {}",
                    e.told()
                )));
            }
        }
        if self.written == self.waiting.len() {
            self.waiting.clear();
            self.written = 0;
        }
        Ok(())
    }
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
