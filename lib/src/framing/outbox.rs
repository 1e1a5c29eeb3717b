use std::io::{self, ErrorKind, IoSlice, Write};

/// Bytes that wait to be written, and the rules by which more are taken.
///
/// It does no input or output itself: whoever drives it passes what writes, one call at a time,
/// to a blocking or a non-blocking stream. An error means that nothing of what was offered has
/// been taken, so that offering it again is right; once a part of it has gone, the rest is kept
/// here, and what stopped the writing is told by the next call.
#[derive(Debug)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// How many of them have been written.
    start: usize,
    capacity: usize,
    /// What stopped the writing after a part had been taken.
    untold: Option<io::Error>,
    /// Whether the owner has had an error since the last bytes were taken, and so knows that
    /// some wait.
    told: bool,
}

/// Parts up to this size are cheaper to copy beside what waits than to write from where they are.
const SMALL: usize = 4096;

impl Outbox {
    pub(super) fn new(capacity: usize) -> Outbox {
        let bytes = Vec::with_capacity(capacity);
        Outbox { bytes, start: 0, capacity, untold: None, told: false }
    }

    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Copies the parts if all of them fit.
    #[inline]
    pub(super) fn hold(&mut self, parts: [&[u8]; 2]) -> bool {
        let fits = self.fits(parts);
        if fits {
            self.keep(parts);
        }
        fits
    }

    /// Writes everything that waits.
    pub(super) fn flush<W>(&mut self, mut write: W) -> io::Result<()>
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        let mut result = self.tell();
        while result.is_ok() && !self.pending().is_empty() {
            result = call(&mut write, &[IoSlice::new(self.pending())]).map(|n| self.written(n));
        }
        self.told |= result.is_err();
        result
    }

    /// Writes what waits and then the parts, in the same calls, until something of the parts has
    /// gone: how much. The parts are not empty.
    pub(super) fn offer<W>(&mut self, parts: [&[u8]; 2], write: &mut W) -> io::Result<usize>
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        let mut result = self.tell().map(|()| 0);
        while let Ok(0) = result {
            let waiting = self.pending().len();
            let slices = [self.pending(), parts[0], parts[1]].map(IoSlice::new);
            // What cannot gather writes the first slice only; one alone needs no gathering.
            let first = slices.iter().position(|slice| !slice.is_empty()).unwrap_or(2);
            let end = if parts[1].is_empty() { 2 } else { 3 };
            result = call(write, &slices[first..end]).map(|written| {
                self.written(written.min(waiting));
                written.saturating_sub(waiting)
            });
        }
        self.told |= result.is_err();
        result
    }

    /// Writes what waits and then the parts, which are taken whole or not at all.
    pub(super) fn pass<W>(&mut self, parts: [&[u8]; 2], mut write: W) -> io::Result<()>
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        if parts[1].len() <= SMALL && self.fits(parts) {
            return self.pass_copy(parts, write);
        }
        let taken = self.offer(parts, &mut write)?;
        self.pass_rest(skip(parts, taken), &mut write);
        Ok(())
    }

    /// Goes on with parts of which something has gone. What the stream does not take is kept.
    pub(super) fn pass_rest<W>(&mut self, mut rest: [&[u8]; 2], write: &mut W)
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        while !(rest[0].is_empty() && rest[1].is_empty()) {
            match self.offer(rest, write) {
                Ok(taken) => rest = skip(rest, taken),
                Err(error) => {
                    self.keep(rest);
                    self.stopped(error);
                    return;
                }
            }
        }
    }

    /// [`pass`](Outbox::pass) with a copy, so that the write is a plain one.
    fn pass_copy<W>(&mut self, parts: [&[u8]; 2], mut write: W) -> io::Result<()>
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        self.tell()?;
        self.keep(parts);
        let length = parts[0].len() + parts[1].len();
        while !self.pending().is_empty() {
            match call(&mut write, &[IoSlice::new(self.pending())]) {
                Ok(written) => self.written(written),
                Err(error) if self.pending().len() >= length => {
                    self.bytes.truncate(self.bytes.len() - length);
                    self.told = true;
                    return Err(error);
                }
                Err(error) => {
                    self.stopped(error);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Writes everything for the last time. There is nobody to return an error to: bytes that are
    /// lost without the owner's knowledge are told on standard error.
    ///
    /// While the thread panics nothing is written: what waits may be half of what was meant.
    pub(super) fn finish<W>(&mut self, owner: &str, write: W)
    where
        W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    {
        if std::thread::panicking() {
            return;
        }
        let told = self.told;
        if let (Err(error), false) = (self.flush(write), told) {
            let lost = self.pending().len();
            let _ = writeln!(
                io::stderr(),
                "sunpath: a {owner} was dropped with {lost} bytes that could not be written: \
                 {error}; call flush first to handle this"
            );
        }
    }

    #[inline]
    fn fits(&self, parts: [&[u8]; 2]) -> bool {
        let room = self.capacity.saturating_sub(self.pending().len());
        parts[0].len() + parts[1].len() <= room
    }

    #[inline]
    fn keep(&mut self, parts: [&[u8]; 2]) {
        let length = parts[0].len() + parts[1].len();
        if self.start > 0 && length > self.bytes.capacity() - self.bytes.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(parts[0]);
        self.bytes.extend_from_slice(parts[1]);
        self.told = false;
    }

    fn written(&mut self, count: usize) {
        self.start += count;
        if self.start >= self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    fn stopped(&mut self, error: io::Error) {
        // That a stream has no room is no news; the next call meets it again.
        if error.kind() != ErrorKind::WouldBlock {
            self.untold = Some(error);
        }
    }

    fn tell(&mut self) -> io::Result<()> {
        self.untold.take().map_or(Ok(()), Err)
    }
}

/// One call that writes something, repeated after signals.
#[inline]
fn call<W>(write: &mut W, slices: &[IoSlice<'_>]) -> io::Result<usize>
where
    W: FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
{
    loop {
        match write(slices) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The parts without their first bytes.
pub(super) fn skip(parts: [&[u8]; 2], count: usize) -> [&[u8]; 2] {
    let of_first = count.min(parts[0].len());
    [&parts[0][of_first..], &parts[1][(count - of_first).min(parts[1].len())..]]
}

/// How the writers of this module write: gathered only if there is something to gather.
pub(super) fn write_to<W: Write>(writer: &mut W, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match slices {
        [only] => writer.write(only),
        several => writer.write_vectored(several),
    }
}
