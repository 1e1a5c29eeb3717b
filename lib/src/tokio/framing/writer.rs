use super::without_blocking;
use crate::Ancillary;
use crate::framing::FrameEncoder;
use crate::tokio::Stream;
use ::tokio::io::AsyncWrite;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Writes frames; small ones are gathered.
///
/// [`queue`](FrameWriter::queue) gathers, [`send`](FrameWriter::send) writes, and
/// [`flush`](FrameWriter::flush) writes what is gathered. A frame is never torn and never repeated,
/// whatever fails or is cancelled: it was not taken, or it is written whole before the next one. See
/// [`sunpath::framing::FrameWriter`](crate::framing::FrameWriter).
///
/// Dropping it writes nothing, because that might have to wait: flush first.
#[derive(Debug)]
pub struct FrameWriter<W> {
    inner: W,
    encoder: FrameEncoder,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
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
    /// [`flush`](FrameWriter::flush). Waits only if it does not fit beside what is gathered.
    ///
    /// Cancellation: the frame was not taken.
    ///
    /// # Errors
    /// [`FrameError::TooLong`](super::FrameError::TooLong); those of the stream, if it had to be
    /// written to.
    pub async fn queue(&mut self, payload: &[u8]) -> io::Result<()> {
        let FrameWriter { inner, encoder } = self;
        poll_fn(|context| {
            without_blocking(|waits| {
                encoder.queue(payload, |slices| write_to(inner, context, slices, waits))
            })
        })
        .await
    }

    /// Writes a frame, after what is gathered and in the same call. Returns when all of it is
    /// written.
    ///
    /// Cancellation: the frame was not taken, or it was and its rest is written by the next call.
    /// Use `queue` and then `flush` where that must be known.
    ///
    /// # Errors
    /// [`FrameError::TooLong`](super::FrameError::TooLong); those of the stream, also after a part
    /// of the frame has gone.
    pub async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let FrameWriter { inner, encoder } = self;
        poll_fn(|context| {
            without_blocking(|waits| {
                encoder.send(payload, |slices| write_to(inner, context, slices, waits))
            })
        })
        .await?;
        self.flush().await
    }

    /// Writes what is gathered.
    ///
    /// Cancellation: what was not written is kept.
    ///
    /// # Errors
    /// Those of the stream, also of an earlier call that could not tell. What was not written is
    /// kept.
    pub async fn flush(&mut self) -> io::Result<()> {
        let FrameWriter { inner, encoder } = self;
        poll_fn(|context| {
            let written = without_blocking(|waits| {
                encoder.flush(|slices| write_to(inner, context, slices, waits))
            });
            ready!(written)?;
            Pin::new(&mut *inner).poll_flush(context)
        })
        .await
    }

    /// Bytes that are gathered, headers included.
    pub fn buffered(&self) -> usize {
        self.encoder.pending()
    }

    /// The stream. Writing to it directly would mix up the frames.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// The stream again. What is gathered is lost.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: AsyncWrite + Unpin + AsRef<Stream>> FrameWriter<W> {
    /// Writes a frame, after what is gathered, with descriptors or credentials beside it. They
    /// travel with its first byte; a [`FrameReceiver`](super::FrameReceiver) hands them out with
    /// this frame.
    ///
    /// Cancellation: as of [`send`](FrameWriter::send).
    ///
    /// # Errors
    /// [`FrameError::TooLong`](super::FrameError::TooLong); those of
    /// [`Stream::send_message`]: `rights/too-many`, `rights/refused-by-receiver`,
    /// `rights/too-many-in-flight`.
    pub async fn send_with(&mut self, payload: &[u8], ancillary: &Ancillary<'_>) -> io::Result<()> {
        let FrameWriter { inner, encoder } = self;
        let stream: &Stream = (*inner).as_ref();
        poll_fn(|context| {
            without_blocking(|waits| {
                // Two closures share what one of them at a time uses.
                let shared = RefCell::new((context, waits));
                let write = |slices: &[IoSlice<'_>], ancillary: &Ancillary<'_>| {
                    let (context, waits) = &mut *shared.borrow_mut();
                    match stream.poll_send_message(context, slices, ancillary) {
                        Poll::Ready(done) => done,
                        Poll::Pending => Err(waits()),
                    }
                };
                encoder.send_with(
                    payload,
                    |slices| write(slices, ancillary),
                    |slices| write(slices, &Ancillary::NONE),
                )
            })
        })
        .await?;
        self.flush().await
    }
}

/// Writes gathered only if there is something to gather.
fn write_to<W: AsyncWrite + Unpin>(
    inner: &mut W,
    context: &mut Context<'_>,
    slices: &[IoSlice<'_>],
    waits: &mut dyn FnMut() -> io::Error,
) -> io::Result<usize> {
    let inner = Pin::new(inner);
    let written = match slices {
        [only] => inner.poll_write(context, only),
        several => inner.poll_write_vectored(context, several),
    };
    match written {
        Poll::Ready(done) => done,
        Poll::Pending => Err(waits()),
    }
}
