//! Standard input, message by message.

use super::framing::{Framing, Splitter};
use crate::exit::Exit;
use crate::failure::Told;
use crate::out::Stop;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Standard input.
pub struct Input {
    stdin: io::Stdin,
    splitter: Splitter,
    chunk: Box<[u8]>,
    ended: bool,
}

impl Input {
    pub fn new(framing: Framing) -> Input {
        Input {
            stdin: io::stdin(),
            splitter: Splitter::new(framing),
            chunk: vec![0; CHUNK].into(),
            ended: false,
        }
    }

    /// Whether nothing more will come, once [`next`](Input::next) has given out what there is.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next message that is there already.
    ///
    /// # Errors
    /// The bytes are no messages.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let wrong = |message| Stop::Failed(Exit::Usage, message);
        match self.splitter.next().map_err(wrong)? {
            Some(message) => Ok(Some(message)),
            None if self.ended => self.splitter.finish().map_err(wrong),
            None => Ok(None),
        }
    }

    /// Reads once what there is.
    pub fn read(&mut self) -> Result<(), Stop> {
        match self.stdin.lock().read(&mut self.chunk) {
            Ok(0) => self.ended = true,
            Ok(count) => self.splitter.push(&self.chunk[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(e) => {
                return Err(Stop::trouble(format!("cannot read standard input: {}", e.told())));
            }
        }
        Ok(())
    }
}

impl AsFd for Input {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdin.as_fd()
    }
}
