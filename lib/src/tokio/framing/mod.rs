//! Messages on streams, asynchronously: the frames of [`sunpath::framing`](crate::framing), with
//! the same format and the same limits, on anything that implements
//! [`AsyncWrite`](::tokio::io::AsyncWrite) or [`AsyncRead`](::tokio::io::AsyncRead).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use sunpath::tokio::Stream;
//! use sunpath::tokio::framing::{FrameReader, FrameWriter};
//!
//! let (client, server) = Stream::pair()?;
//! let (mut writer, mut reader) = (FrameWriter::new(client), FrameReader::new(server));
//! writer.queue(b"one").await?; // gathered
//! writer.send(b"two").await?; // written, together with what was gathered
//! assert_eq!(reader.next_frame().await?, Some(&b"one"[..]));
//! assert_eq!(reader.next_frame().await?, Some(&b"two"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! Reader and writer belong to one task each; for a conversation, split the stream.

mod reader;
mod receiver;
mod writer;

pub use crate::framing::{DEFAULT_CAPACITY, DEFAULT_LIMIT, Frame, FrameError};
pub use reader::FrameReader;
pub use receiver::FrameReceiver;
pub use writer::FrameWriter;

use std::io::{self, ErrorKind};
use std::task::Poll;

/// Makes a call that polls look like one that does not block, and back: what is passed to `step`
/// answers `WouldBlock` where the poll has to wait, and this then waits as well.
fn without_blocking<T>(
    step: impl FnOnce(&mut dyn FnMut() -> io::Error) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    let mut waits = false;
    let outcome = step(&mut || {
        waits = true;
        ErrorKind::WouldBlock.into()
    });
    match outcome {
        Err(error) if waits && error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}
