//! What a cell looks at in the end, and how it leaves nothing behind.

use super::super::script::Expected;
use super::scene::{Obstacle, Scene};
use std::time::Duration;
use sunpath::op::{Events, Fd, Level, NewFlags, Op, Opt, Out, Request, Ret, Want};

/// How many messages of each socket are read.
const MOST_READ: usize = 3;

/// How many descriptors are looked at.
const MOST_LOOKED_AT: usize = 12;

impl Scene<'_> {
    /// Looks at every descriptor, first without changing anything, then by reading what is there.
    pub fn look(&mut self) -> Result<(), Obstacle> {
        self.poll()?;
        for fd in self.looked_at() {
            for request in [Request::Inq, Request::Outq, Request::AtMark] {
                self.plain(Op::Ioctl { fd, request })?;
            }
            self.plain(Op::Getsockname { fd, name: Out::Room })?;
            self.plain(Op::Getpeername { fd, name: Out::Room })?;
            self.plain(Op::Getsockopt { fd, level: Level::Socket, option: Opt::Error })?;
        }
        self.poll()?;
        for fd in self.looked_at() {
            self.drain(fd)?;
        }
        self.poll()
    }

    fn looked_at(&self) -> Vec<Fd> {
        self.known.open.iter().copied().take(MOST_LOOKED_AT).collect()
    }

    fn poll(&mut self) -> Result<(), Obstacle> {
        let fds = self.looked_at().into_iter().map(|fd| (fd, Events::ALL)).collect();
        self.plain(Op::Poll { fds, timeout: Some(Duration::ZERO) }).map(drop)
    }

    /// Reads what waits, or takes a connection that does.
    fn drain(&mut self, fd: Fd) -> Result<(), Obstacle> {
        // Whether it waits for a connection or has any, an error tells.
        self.plain(Op::Nonblocking { fd, on: true })?;
        self.plain(Op::Accept { fd, flags: NewFlags::NONE, name: Out::Room })?;
        for _ in 0..MOST_READ {
            match self.plain(Op::Recv(Want::new(fd, 4096).control(256).dont_wait()))? {
                Expected::Done(Ret::Received(received)) if received.returned > 0 => {}
                _ => break,
            }
        }
        Ok(())
    }

    /// Closes and removes everything.
    pub fn clear(&mut self) -> Result<(), Obstacle> {
        while let Some(fd) = self.known.open.first().copied() {
            self.known.open.retain(|open| *open != fd);
            self.plain(Op::Close { fd })?;
        }
        while let Some(remove) = self.known.files.pop() {
            self.plain(Op::File(remove))?;
        }
        Ok(())
    }
}
