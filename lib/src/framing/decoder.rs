use super::{DEFAULT_CAPACITY, DEFAULT_LIMIT, FrameError, HEADER, clamped};
use std::io::{self, ErrorKind};
use std::ops::Range;

/// The reading side of framing without input and output of its own: [`next`](FrameDecoder::next)
/// is passed what reads. If it fails, what has come is kept; call again when there is more.
#[derive(Debug)]
pub(crate) struct FrameDecoder {
    /// All of it may be read into; what has come and was not handed out is `start..end`.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    capacity: usize,
    limit: usize,
}

impl FrameDecoder {
    pub(crate) fn new() -> FrameDecoder {
        FrameDecoder::with_capacity(DEFAULT_CAPACITY)
    }

    pub(crate) fn with_capacity(bytes: usize) -> FrameDecoder {
        let capacity = bytes.max(HEADER);
        FrameDecoder { bytes: vec![0; capacity], start: 0, end: 0, capacity, limit: DEFAULT_LIMIT }
    }

    pub(crate) fn set_limit(&mut self, bytes: usize) {
        self.limit = clamped(bytes);
    }

    /// Bytes that have come and were not handed out.
    pub(crate) fn pending(&self) -> usize {
        self.end - self.start
    }

    /// Where the next frame is, reading only if it has not come as a whole; `None` at the end of
    /// the stream. [`frame`](FrameDecoder::frame) hands it out.
    #[inline]
    pub(crate) fn next<R>(&mut self, mut read: R) -> io::Result<Option<Range<usize>>>
    where
        R: FnMut(&mut [u8]) -> io::Result<usize>,
    {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            let room = self.room()?;
            match read(room) {
                Ok(0) => return self.ended(),
                Ok(count) => self.filled(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The payload that [`next`](FrameDecoder::next) found; good until it is called again.
    #[inline]
    pub(crate) fn frame(&self, found: Range<usize>) -> &[u8] {
        &self.bytes[found]
    }

    /// Takes the next frame if it has come as a whole.
    #[inline]
    pub(super) fn take(&mut self) -> Result<Option<Range<usize>>, FrameError> {
        let Some(length) = self.length() else { return Ok(None) };
        if length > self.limit {
            return Err(FrameError::TooLong { length, limit: self.limit });
        }
        if self.pending() - HEADER < length {
            return Ok(None);
        }
        let payload = self.start + HEADER;
        self.start = payload + length;
        Ok(Some(payload..self.start))
    }

    /// What the header of the next frame says, if it has come.
    #[inline]
    fn length(&self) -> Option<usize> {
        let header = self.bytes[self.start..self.end].first_chunk::<HEADER>()?;
        Some(u32::from_be_bytes(*header) as usize)
    }

    /// Bytes that are missing from the frame of which a part has come: at least so many, as long
    /// as its header is not complete.
    pub(super) fn missing(&self) -> usize {
        HEADER + self.length().unwrap_or(0) - self.pending()
    }

    /// Where the frame starts to which the last byte that has come belongs, counted from the
    /// next frame to be handed out.
    pub(super) fn last_start(&self) -> usize {
        let pending = &self.bytes[self.start..self.end];
        let mut start = 0;
        while let Some(header) = pending[start..].first_chunk::<HEADER>() {
            let length = u32::from_be_bytes(*header) as usize;
            match start.checked_add(HEADER).and_then(|payload| payload.checked_add(length)) {
                Some(end) if end < pending.len() => start = end,
                _ => break,
            }
        }
        start
    }

    /// Where to read into. The memory grows to what the next frame needs, but at each step to no
    /// more than twice of what has come.
    pub(super) fn room(&mut self) -> io::Result<&mut [u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let (pending, missing) = (self.pending(), self.missing());
        // Moved at most once for each frame, because it is at the start afterwards.
        if self.start > 0 && self.bytes.len() - self.end < missing.max(self.capacity / 2) {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, pending);
        }
        if self.end == self.bytes.len() {
            let wanted = (pending + missing).min(2 * pending);
            let more = wanted - self.bytes.len();
            self.bytes.try_reserve_exact(more).map_err(|_| ErrorKind::OutOfMemory)?;
            self.bytes.resize(wanted, 0);
        }
        Ok(&mut self.bytes[self.end..])
    }

    pub(super) fn filled(&mut self, count: usize) {
        // No more than there was room for, whatever a reader says.
        self.end = (self.end + count).min(self.bytes.len());
    }

    pub(super) fn ended(&self) -> io::Result<Option<Range<usize>>> {
        let received = self.pending();
        match self.length() {
            _ if received == 0 => Ok(None),
            None => Err(FrameError::EndInHeader { received }.into()),
            Some(length) => {
                Err(FrameError::EndInFrame { received: received - HEADER, length }.into())
            }
        }
    }
}
