//! Much at once: bytes that change queues without being copied.
//!
//! ```text
//!   queue of one socket ──splice──► pipe ──splice──► queue of the other
//! ```
//! The kernel passes its pages on, and nobody reads them on the way. `splice` drops descriptors and
//! knows no urgent bytes, so it is for parts of a stream in which there are none for certain.

use rustix::io::Errno as Host;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::os::fd::{AsFd, OwnedFd};

/// Less is copied, which takes fewer calls.
pub const MUCH: usize = 16 << 10;

/// More is not moved at once, so that the other direction has its turn.
pub const MOST: usize = 256 << 10;

/// A pipe in which bytes stay only for a moment.
#[derive(Debug)]
pub struct Pipe {
    reading: OwnedFd,
    writing: OwnedFd,
    /// So many bytes are in it.
    filled: usize,
}

impl Pipe {
    /// An empty one.
    pub fn new() -> Result<Pipe, Host> {
        let (reading, writing) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // A user with many pipes gets smaller ones, which serve as well with more calls.
        let _ = fcntl_setpipe_size(&writing, MOST);
        Ok(Pipe { reading, writing, filled: 0 })
    }

    /// Moves so many bytes, which are there; how many the other socket has taken. It may be fewer
    /// if it is full.
    pub fn pass(&mut self, from: impl AsFd, to: impl AsFd, bytes: usize) -> Result<usize, Host> {
        const NOW: SpliceFlags = SpliceFlags::NONBLOCK.union(SpliceFlags::MOVE);
        let mut passed = 0;
        loop {
            if self.filled == 0 {
                if passed == bytes {
                    return Ok(passed);
                }
                match splice(&from, None, &self.writing, None, bytes - passed, NOW)? {
                    0 => return Err(Host::IO),
                    filled => self.filled = filled,
                }
            }
            match splice(&self.reading, None, &to, None, self.filled, NOW) {
                Ok(gone) => {
                    self.filled -= gone;
                    passed += gone;
                }
                Err(Host::AGAIN) => return Ok(passed),
                Err(errno) => return Err(errno),
            }
        }
    }

    /// How many bytes are in it.
    pub fn filled(&self) -> usize {
        self.filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_the_other_socket_has_no_room_for_stays_in_the_pipe_and_follows() {
        let (mut client, near) = UnixStream::pair().unwrap();
        let (far, mut server) = UnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        let mut pipe = Pipe::new().unwrap();
        let said: Vec<u8> = (0..40_u32 << 10).flat_map(u32::to_le_bytes).collect();
        let mut heard = Vec::new();
        for _ in 0..3 {
            client.write_all(&said).unwrap();
            let mut left = said.len();
            let mut buffer = vec![0; 10_000];
            while left > 0 {
                let passed = pipe.pass(&near, &far, left).unwrap();
                left -= passed;
                if left > 0 {
                    let length = server.read(&mut buffer).unwrap();
                    heard.extend_from_slice(&buffer[..length]);
                }
            }
            assert_eq!(pipe.filled(), 0);
        }
        drop(far);
        server.read_to_end(&mut heard).unwrap();
        assert!(heard == said.repeat(3));
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error() {
        let (mut client, near) = UnixStream::pair().unwrap();
        let (far, server) = UnixStream::pair().unwrap();
        drop(server);
        client.write_all(&[1; 1000]).unwrap();
        let mut pipe = Pipe::new().unwrap();
        assert_eq!(pipe.pass(&near, &far, 1000), Err(Host::PIPE));
        assert_eq!(pipe.filled(), 1000);
    }
}
