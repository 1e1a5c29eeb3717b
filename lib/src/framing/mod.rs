//! Messages on streams: length-delimited frames, and a writer that coalesces small writes.
//!
//! A stream carries bytes without boundaries, and each write costs a system call and a buffer in
//! the kernel. Frames put the boundaries back. [`FrameWriter`] gathers small ones, so that one
//! write carries many; [`FrameReader`] hands out many from one read, in place. Both work on
//! anything that implements [`Write`](std::io::Write) or [`Read`](std::io::Read): a [`Stream`],
//! a `&Stream` (one for each direction), a file.
//!
//! ```
//! use sunpath::Stream;
//! use sunpath::framing::{FrameReader, FrameWriter};
//!
//! let (client, server) = Stream::pair()?;
//! let mut writer = FrameWriter::new(client);
//! writer.queue(b"one")?; // gathered
//! writer.queue(b"")?; // empty frames are kept
//! writer.send(b"three")?; // written at once, together with what was gathered
//! drop(writer);
//!
//! let mut reader = FrameReader::new(server);
//! while let Some(frame) = reader.next_frame()? {
//!     println!("{}", frame.escape_ascii());
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Format
//! Each frame is a header of 4 bytes, the length of the payload as an unsigned big-endian number,
//! and the payload. There is nothing else: no magic number, no checksum, no padding. This is what
//! the `LengthDelimitedCodec` of tokio-util speaks unless it is told otherwise.
//!
//! # Limits
//! Both sides refuse payloads over a limit, 8 MiB at first ([`DEFAULT_LIMIT`]); set it to what
//! the conversation needs. A reader believes a length only as far as bytes arrive: it never holds
//! more than twice of what has come, or its capacity ([`DEFAULT_CAPACITY`]), whichever is more.
//!
//! # Without blocking
//! Errors of kind [`WouldBlock`](std::io::ErrorKind::WouldBlock) leave writer and reader as they
//! were, with all they hold. Call again once the stream is ready: nothing is lost or repeated.
//! Interrupted calls go on by themselves.
//!
//! # Descriptors
//! [`FrameWriter::send_with`] sends descriptors beside a frame, and [`FrameReceiver`] hands out
//! each frame with those that came beside it.
//!
//! [`Stream`]: crate::Stream

mod coalescing;
mod decoder;
mod encoder;
mod error;
mod outbox;
mod reader;
mod receiver;
mod writer;

pub use coalescing::CoalescingWriter;
pub use error::FrameError;
pub use reader::FrameReader;
pub use receiver::{Frame, FrameReceiver};
pub use writer::FrameWriter;

pub(crate) use decoder::FrameDecoder;
pub(crate) use encoder::FrameEncoder;
#[cfg(feature = "tokio")]
pub(crate) use receiver::FrameCollector;

/// Bytes of the header of a frame.
const HEADER: usize = 4;

/// The most bytes of a frame's payload, unless set otherwise: 8 MiB.
pub const DEFAULT_LIMIT: usize = 8 << 20;

/// Bytes that a writer gathers before it writes, and that a reader asks for at once, unless set
/// otherwise: 64 KiB.
pub const DEFAULT_CAPACITY: usize = 64 << 10;

/// A limit that a header can express.
fn clamped(limit: usize) -> usize {
    limit.min(u32::MAX as usize)
}
