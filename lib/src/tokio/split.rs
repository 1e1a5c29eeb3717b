//! The two directions of a stream, apart.

use super::stream::Stream;
use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use std::fmt;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The half of a [`Stream`] to read from, borrowed. All methods of the stream are reached through
/// [`AsRef`].
#[derive(Debug)]
pub struct ReadHalf<'a>(&'a Stream);

/// The half of a [`Stream`] to write to, borrowed. All methods of the stream are reached through
/// [`AsRef`].
#[derive(Debug)]
pub struct WriteHalf<'a>(&'a Stream);

/// The half of a [`Stream`] to read from. All methods of the stream are reached through [`AsRef`].
#[derive(Debug)]
pub struct OwnedReadHalf(Arc<Stream>);

/// The half of a [`Stream`] to write to. All methods of the stream are reached through [`AsRef`].
///
/// When it is dropped, the peer reads the end: the direction of writing is closed.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: Arc<Stream>,
    close: bool,
}

/// Halves of two different streams, handed back.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

pub(super) fn borrowed(stream: &Stream) -> (ReadHalf<'_>, WriteHalf<'_>) {
    (ReadHalf(stream), WriteHalf(stream))
}

pub(super) fn owned(stream: Stream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream, close: true })
}

impl OwnedReadHalf {
    /// The stream again.
    ///
    /// # Errors
    /// Both halves, if they are not of one stream.
    pub fn reunite(self, write: OwnedWriteHalf) -> Result<Stream, ReuniteError> {
        reunite(self, write)
    }
}

impl OwnedWriteHalf {
    /// The stream again.
    ///
    /// # Errors
    /// Both halves, if they are not of one stream.
    pub fn reunite(self, read: OwnedReadHalf) -> Result<Stream, ReuniteError> {
        reunite(read, self)
    }

    /// Drops the half without closing the direction of writing.
    pub fn forget(mut self) {
        self.close = false;
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.close {
            let _ = self.stream.shutdown_now(Shutdown::Write);
        }
    }
}

fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<Stream, ReuniteError> {
    if !Arc::ptr_eq(&read.0, &write.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    // There were two, so this is the last.
    Arc::try_unwrap(read.0).map_err(|stream| {
        let (read, write) = (stream.clone(), OwnedWriteHalf { stream, close: true });
        ReuniteError(OwnedReadHalf(read), write)
    })
}

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are not of one stream")
    }
}

impl std::error::Error for ReuniteError {}

impl AsRef<Stream> for ReadHalf<'_> {
    fn as_ref(&self) -> &Stream {
        self.0
    }
}

impl AsRef<Stream> for WriteHalf<'_> {
    fn as_ref(&self) -> &Stream {
        self.0
    }
}

impl AsRef<Stream> for OwnedReadHalf {
    fn as_ref(&self) -> &Stream {
        &self.0
    }
}

impl AsRef<Stream> for OwnedWriteHalf {
    fn as_ref(&self) -> &Stream {
        &self.stream
    }
}

macro_rules! read_half {
    ($half:ty) => {
        impl AsyncRead for $half {
            #[inline]
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.as_ref().get_ref().as_ref().poll_read_at(context, buffer)
            }
        }
    };
}

macro_rules! write_half {
    ($half:ty) => {
        impl AsyncWrite for $half {
            #[inline]
            fn poll_write(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.as_ref().get_ref().as_ref().poll_write_at(context, bytes)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffers: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.as_ref().get_ref().as_ref().poll_write_vectored_at(context, buffers)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Closes the direction of writing: the peer reads the end.
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                let stream: &Stream = self.as_ref().get_ref().as_ref();
                Poll::Ready(Ok(stream.shutdown_now(Shutdown::Write)?))
            }
        }
    };
}

read_half! { ReadHalf<'_> }
read_half! { OwnedReadHalf }
write_half! { WriteHalf<'_> }
write_half! { OwnedWriteHalf }
