use super::FrameEncoder;
use super::outbox::write_to;
use crate::{Ancillary, SendFlags, Stream};
use std::borrow::Borrow;
use std::io::{self, Write};

/// Writes frames; small ones are gathered.
///
/// [`queue`](FrameWriter::queue) gathers, [`send`](FrameWriter::send) writes, and
/// [`flush`](FrameWriter::flush) writes what is gathered. A request that is queued and not flushed
/// never reaches the peer. What is gathered is written in one call as soon as the next frame does
/// not fit beside it (64 KiB, unless set otherwise); large frames are written from where they are.
///
/// An error of `queue`, `send` or `send_with` means that nothing of that frame was taken. If the
/// stream fails or has no room after a part of a frame has gone, the frame counts as taken: the
/// rest is kept, and the next call writes it or tells why it cannot. So a frame is never torn and
/// never repeated, and on a non-blocking stream [`WouldBlock`](io::ErrorKind::WouldBlock) means:
/// the same call again, once there is room.
///
/// Dropping it flushes, which may wait. An error that nobody has been told of is then reported on
/// standard error: flush first to handle it.
///
/// ```
/// use sunpath::Stream;
/// use sunpath::framing::{FrameReader, FrameWriter};
///
/// let (a, b) = Stream::pair()?;
/// let mut writer = FrameWriter::new(&a);
/// for number in 0..1000_u32 {
///     writer.queue(&number.to_be_bytes())?;
/// }
/// writer.flush()?; // one write
///
/// let mut reader = FrameReader::new(&b);
/// assert_eq!(reader.next_frame()?, Some(&[0, 0, 0, 0][..]));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FrameWriter<W: Write> {
    inner: W,
    encoder: FrameEncoder,
}

impl<W: Write> FrameWriter<W> {
    /// Frames of at most [`DEFAULT_LIMIT`](super::DEFAULT_LIMIT) bytes, gathered up to
    /// [`DEFAULT_CAPACITY`](super::DEFAULT_CAPACITY).
    pub fn new(inner: W) -> FrameWriter<W> {
        FrameWriter { inner, encoder: FrameEncoder::new() }
    }

    /// As [`new`](FrameWriter::new), gathering up to so many bytes, headers included.
    pub fn with_capacity(bytes: usize, inner: W) -> FrameWriter<W> {
        FrameWriter { inner, encoder: FrameEncoder::with_capacity(bytes) }
    }

    /// Sets the most bytes that a payload may have.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> FrameWriter<W> {
        self.encoder.set_limit(bytes);
        self
    }

    /// Gathers a frame. It is written together with others, at the latest by
    /// [`flush`](FrameWriter::flush).
    ///
    /// # Errors
    /// [`FrameError::TooLong`](super::FrameError::TooLong); those of the stream, if it had to be
    /// written to.
    #[inline]
    pub fn queue(&mut self, payload: &[u8]) -> io::Result<()> {
        self.encoder.queue(payload, |slices| write_to(&mut self.inner, slices))
    }

    /// Writes a frame, after what is gathered and in the same call.
    ///
    /// # Errors
    /// [`FrameError::TooLong`](super::FrameError::TooLong); those of the stream.
    #[inline]
    pub fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        self.encoder.send(payload, |slices| write_to(&mut self.inner, slices))
    }

    /// Writes what is gathered.
    ///
    /// # Errors
    /// Those of the stream, also of an earlier call that could not tell. What was not written is
    /// kept.
    pub fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush(|slices| write_to(&mut self.inner, slices))?;
        self.inner.flush()
    }

    /// Bytes that are gathered, headers included.
    pub fn buffered(&self) -> usize {
        self.encoder.pending()
    }

    /// The stream. Writing to it directly would mix up the frames.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }
}

impl<W: Write + Borrow<Stream>> FrameWriter<W> {
    /// Writes a frame, after what is gathered, with descriptors or credentials beside it. They
    /// travel with its first byte; a [`FrameReceiver`](super::FrameReceiver) hands them out with
    /// this frame.
    ///
    /// # Errors
    /// [`FrameError::TooLong`](super::FrameError::TooLong); those of
    /// [`Stream::send_message`]: `rights/too-many`, `rights/refused-by-receiver`,
    /// `rights/too-many-in-flight`.
    pub fn send_with(&mut self, payload: &[u8], ancillary: &Ancillary<'_>) -> io::Result<()> {
        let stream: &Stream = self.inner.borrow();
        let pass = |slices: &[io::IoSlice<'_>]| {
            Ok(stream.send_message(slices, ancillary, SendFlags::NONE)?)
        };
        self.encoder.send_with(payload, pass, |slices| write_to(&mut { stream }, slices))
    }
}

impl<W: Write> Drop for FrameWriter<W> {
    fn drop(&mut self) {
        self.encoder.finish("FrameWriter", |slices| write_to(&mut self.inner, slices));
    }
}
