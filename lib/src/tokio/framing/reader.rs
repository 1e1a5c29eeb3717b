use super::without_blocking;
use crate::framing::FrameDecoder;
use ::tokio::io::{AsyncRead, ReadBuf};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

/// Reads frames; many from one read, handed out where they lie. See
/// [`sunpath::framing::FrameReader`](crate::framing::FrameReader).
///
/// What was read ahead is lost with the reader: read all of a stream's frames with one.
/// Descriptors that come beside the frames are closed; see [`FrameReceiver`](super::FrameReceiver).
#[derive(Debug)]
pub struct FrameReader<R> {
    inner: R,
    decoder: FrameDecoder,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
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
    /// Cancellation: nothing is lost. What has come of a frame is kept for the next call.
    ///
    /// # Errors
    /// Those of [`sunpath::framing::FrameReader`](crate::framing::FrameReader::next_frame).
    pub async fn next_frame(&mut self) -> io::Result<Option<&[u8]>> {
        let FrameReader { inner, decoder } = self;
        let found = poll_fn(|context| {
            without_blocking(|waits| {
                decoder.next(|room| {
                    let mut room = ReadBuf::new(room);
                    match Pin::new(&mut *inner).poll_read(context, &mut room) {
                        Poll::Ready(done) => done.map(|()| room.filled().len()),
                        Poll::Pending => Err(waits()),
                    }
                })
            })
        });
        let found = found.await?;
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

    /// The stream again. What was read ahead is lost.
    pub fn into_inner(self) -> R {
        self.inner
    }
}
