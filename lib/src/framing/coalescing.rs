use super::DEFAULT_CAPACITY;
use super::outbox::{Outbox, write_to};
use std::io::{self, IoSlice, Write};

/// Coalesces small writes: one write of the stream carries many. For protocols that have framing
/// of their own; [`FrameWriter`](super::FrameWriter) does both.
///
/// What does not fit beside what is gathered (64 KiB, unless set otherwise) is written together
/// with it, in one call and from where it is: there is no copy of large payloads.
///
/// [`flush`](Write::flush) writes what is gathered. On a non-blocking stream it fails with
/// [`WouldBlock`](io::ErrorKind::WouldBlock) and keeps the rest: call again once there is room.
///
/// Dropping it flushes, which may wait. An error that nobody has been told of is then reported on
/// standard error: flush first to handle it.
///
/// ```
/// use std::io::Write;
/// use sunpath::framing::CoalescingWriter;
///
/// let (a, _b) = sunpath::Stream::pair()?;
/// let mut writer = CoalescingWriter::new(&a);
/// for number in 0..1000 {
///     writeln!(writer, "{number}")?;
/// }
/// writer.flush()?; // one write
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct CoalescingWriter<W: Write> {
    inner: W,
    out: Outbox,
}

impl<W: Write> CoalescingWriter<W> {
    /// Gathers up to [`DEFAULT_CAPACITY`].
    pub fn new(inner: W) -> CoalescingWriter<W> {
        CoalescingWriter::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// Gathers up to so many bytes.
    pub fn with_capacity(bytes: usize, inner: W) -> CoalescingWriter<W> {
        CoalescingWriter { inner, out: Outbox::new(bytes) }
    }

    /// Takes the bytes whole or not at all, where [`write`](Write::write) may take a part. An
    /// error means that nothing of them was taken.
    ///
    /// Once a part of them has gone, they count as taken: what the stream does not take is kept,
    /// however long, and the next call writes it or tells why it cannot.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn write_whole(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() || self.out.hold([bytes, b""]) {
            return Ok(());
        }
        self.out.pass([bytes, b""], |slices| write_to(&mut self.inner, slices))
    }

    /// Bytes that are gathered.
    pub fn buffered(&self) -> usize {
        self.out.pending().len()
    }

    /// The stream. Writing to it directly would overtake what is gathered.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }
}

impl<W: Write> Write for CoalescingWriter<W> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() || self.out.hold([bytes, b""]) {
            return Ok(bytes.len());
        }
        self.out
            .offer([bytes, b""], &mut |slices: &[IoSlice<'_>]| write_to(&mut self.inner, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush(|slices| write_to(&mut self.inner, slices))?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for CoalescingWriter<W> {
    fn drop(&mut self) {
        self.out.finish("CoalescingWriter", |slices| write_to(&mut self.inner, slices));
    }
}
