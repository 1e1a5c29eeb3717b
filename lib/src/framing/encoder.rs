use super::outbox::{Outbox, skip};
use super::{DEFAULT_CAPACITY, DEFAULT_LIMIT, FrameError, HEADER, clamped};
use std::io::{self, IoSlice};

/// The writing side of framing without input and output of its own: each method is passed what
/// writes. If it fails, the frame was not taken; call again when there is room.
#[derive(Debug)]
pub(crate) struct FrameEncoder {
    out: Outbox,
    limit: usize,
}

impl FrameEncoder {
    pub(crate) fn new() -> FrameEncoder {
        FrameEncoder::with_capacity(DEFAULT_CAPACITY)
    }

    pub(crate) fn with_capacity(bytes: usize) -> FrameEncoder {
        FrameEncoder { out: Outbox::new(bytes), limit: DEFAULT_LIMIT }
    }

    pub(crate) fn set_limit(&mut self, bytes: usize) {
        self.limit = clamped(bytes);
    }

    /// Bytes that were taken and not yet written.
    pub(crate) fn pending(&self) -> usize {
        self.out.pending().len()
    }

    /// Takes a frame; writes only if it does not fit beside what waits.
    #[inline]
    pub(crate) fn queue<W>(&mut self, payload: &[u8], write: W) -> io::Result<()>
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        let header = self.header(payload)?;
        if self.out.hold([&header, payload]) {
            return Ok(());
        }
        self.out.pass([&header, payload], write)
    }

    /// Takes a frame and writes it, after what waits. What the stream does not take at once after
    /// a part of the frame is kept.
    #[inline]
    pub(crate) fn send<W>(&mut self, payload: &[u8], write: W) -> io::Result<()>
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        let header = self.header(payload)?;
        self.out.pass([&header, payload], write)
    }

    /// As [`send`](FrameEncoder::send), but what waits is written before, and what writes the first
    /// bytes of the frame is a function of its own: it adds the descriptors.
    pub(crate) fn send_with<P, W>(
        &mut self,
        payload: &[u8],
        mut pass: P,
        mut write: W,
    ) -> io::Result<()>
    where
        P: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        let header = self.header(payload)?;
        self.out.flush(&mut write)?;
        let parts = [&header[..], payload];
        let taken = self.out.offer(parts, &mut pass)?;
        self.out.pass_rest(skip(parts, taken), &mut write);
        Ok(())
    }

    /// Writes everything that waits.
    pub(crate) fn flush<W>(&mut self, write: W) -> io::Result<()>
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        self.out.flush(write)
    }

    /// As [`flush`](FrameEncoder::flush), for the last time: see [`Outbox::finish`].
    pub(super) fn finish<W>(&mut self, owner: &str, write: W)
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        self.out.finish(owner, write);
    }

    #[inline]
    fn header(&self, payload: &[u8]) -> io::Result<[u8; HEADER]> {
        let length = payload.len();
        if length > self.limit {
            return Err(FrameError::TooLong { length, limit: self.limit }.of_input());
        }
        Ok((length as u32).to_be_bytes())
    }
}
