use super::{Frame, without_blocking};
use crate::framing::FrameCollector;
use crate::tokio::Stream;
use std::future::poll_fn;
use std::io;
use std::task::Poll;

/// Reads frames and the descriptors beside them, as
/// [`FrameWriter::send_with`](super::FrameWriter::send_with) sends them; from a [`Stream`] or its
/// half. See [`sunpath::framing::FrameReceiver`](crate::framing::FrameReceiver).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use std::os::fd::AsFd;
/// use sunpath::Ancillary;
/// use sunpath::tokio::Stream;
/// use sunpath::tokio::framing::{FrameReceiver, FrameWriter};
///
/// let (a, b) = Stream::pair()?;
/// b.sockopt().set_pass_rights(true)?; // a socket takes descriptors only if told to
/// let mut writer = FrameWriter::new(a);
/// writer.send_with(b"a file", &Ancillary::descriptors(&[std::io::stderr().as_fd()])).await?;
///
/// let mut receiver = FrameReceiver::new(b, 1);
/// let mut frame = receiver.next_frame().await?.expect("a frame");
/// assert_eq!((frame.bytes, frame.take_descriptors().count()), (&b"a file"[..], 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FrameReceiver<S> {
    stream: S,
    collector: FrameCollector,
}

impl<S: AsRef<Stream>> FrameReceiver<S> {
    /// Frames of at most [`DEFAULT_LIMIT`](super::DEFAULT_LIMIT) bytes, with so many descriptors
    /// beside each. The socket has to let them in: its `SO_PASSRIGHTS` is off at first.
    pub fn new(stream: S, descriptors: usize) -> FrameReceiver<S> {
        FrameReceiver { stream, collector: FrameCollector::new(descriptors) }
    }

    /// Sets the most bytes that a payload may have.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> FrameReceiver<S> {
        self.collector.set_limit(bytes);
        self
    }

    /// The next frame; `None` at the end of the stream, if that is the end of a frame.
    ///
    /// Cancellation: nothing is lost. What has come of a frame, and beside it, is kept for the next
    /// call.
    ///
    /// # Errors
    /// Those of [`sunpath::framing::FrameReceiver`](crate::framing::FrameReceiver::next_frame).
    pub async fn next_frame(&mut self) -> io::Result<Option<Frame<'_>>> {
        let FrameReceiver { stream, collector } = self;
        let stream: &Stream = (*stream).as_ref();
        let found = poll_fn(|context| {
            without_blocking(|waits| {
                collector.next(|buffers, ancillary| {
                    match stream.poll_recv_message(context, buffers, ancillary) {
                        Poll::Ready(done) => done,
                        Poll::Pending => Err(waits()),
                    }
                })
            })
        });
        let found = found.await?;
        Ok(found.map(|found| self.collector.frame(found)))
    }

    /// Bytes that have come and were not handed out, headers included.
    pub fn buffered(&self) -> usize {
        self.collector.pending()
    }

    /// The stream. Reading from it directly would take what belongs to the frames.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream again. What was read ahead is lost, and its descriptors are closed.
    pub fn into_inner(self) -> S {
        self.stream
    }
}
