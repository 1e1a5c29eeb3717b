use super::FrameDecoder;
use std::io::{self, Read};

/// Reads frames; many from one read, handed out where they lie.
///
/// An error of the stream leaves what has come in place. On a non-blocking stream
/// [`WouldBlock`](io::ErrorKind::WouldBlock) means: the same call again, once there is more. A
/// frame that came whole is handed out without looking at the stream, so read until `WouldBlock`
/// before waiting for more.
///
/// What was read ahead is lost with the reader: read all of a stream's frames with one.
/// Descriptors that come beside the frames are closed; see [`FrameReceiver`](super::FrameReceiver).
///
/// ```
/// use sunpath::framing::FrameReader;
///
/// let mut reader = FrameReader::new(&b"\0\0\0\x02hi\0\0\0\0\0\0\0\x09cut"[..]);
/// assert_eq!(reader.next_frame()?, Some(&b"hi"[..]));
/// assert_eq!(reader.next_frame()?, Some(&b""[..])); // an empty frame is not the end
/// let error = reader.next_frame().unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
/// assert_eq!(error.to_string(), "the stream ended after 3 of the 9 bytes of a frame");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FrameReader<R> {
    inner: R,
    decoder: FrameDecoder,
}

impl<R: Read> FrameReader<R> {
    /// Frames of at most [`DEFAULT_LIMIT`](super::DEFAULT_LIMIT) bytes, read
    /// [`DEFAULT_CAPACITY`](super::DEFAULT_CAPACITY) at once.
    pub fn new(inner: R) -> FrameReader<R> {
        FrameReader { inner, decoder: FrameDecoder::new() }
    }

    /// As [`new`](FrameReader::new), with memory for so many bytes to read at once. It grows for
    /// longer frames, as they arrive, and stays as large as the longest.
    pub fn with_capacity(bytes: usize, inner: R) -> FrameReader<R> {
        FrameReader { inner, decoder: FrameDecoder::with_capacity(bytes) }
    }

    /// Sets the most bytes that a payload may have.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> FrameReader<R> {
        self.decoder.set_limit(bytes);
        self
    }

    /// The payload of the next frame; `None` at the end of the stream, if that is the end of a
    /// frame.
    ///
    /// # Errors
    /// [`FrameError::EndInHeader`](super::FrameError::EndInHeader) and
    /// [`EndInFrame`](super::FrameError::EndInFrame) (`UnexpectedEof`);
    /// [`FrameError::TooLong`](super::FrameError::TooLong) (`InvalidData`), again at each call;
    /// `OutOfMemory`; those of the stream.
    #[inline]
    pub fn next_frame(&mut self) -> io::Result<Option<&[u8]>> {
        let found = self.decoder.next(|room| self.inner.read(room))?;
        Ok(found.map(|found| self.decoder.frame(found)))
    }

    /// Bytes that have come and were not handed out, headers included.
    pub fn buffered(&self) -> usize {
        self.decoder.pending()
    }

    /// The stream. Reading from it directly would take what belongs to the frames.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }
}
