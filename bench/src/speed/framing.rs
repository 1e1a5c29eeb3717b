//! Small messages on a stream: a write for each, or length-delimited and coalesced.

use super::bytes::{End, Traffic, subject};
use super::harness::Subject;
use super::peers;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use sunpath::SocketType::{self, Stream};
use sunpath::framing::{FrameReader, FrameWriter};

/// Plain writes, and those who put many messages into one.
pub fn all() -> Vec<Subject> {
    let (traffic, size) = (Traffic::OneWay, 64);
    vec![
        subject::<peers::Rustix>("rustix", Stream, traffic, size),
        subject::<UnixStream>("std", Stream, traffic, size),
        subject::<sunpath::Stream>("sunpath", Stream, traffic, size),
        subject::<Buffered>("std, BufWriter", Stream, traffic, size),
        subject::<Framed>("sunpath, framed", Stream, traffic, size),
    ]
}

/// What one writes by hand: a length before each message, and the buffers of the standard
/// library.
struct Buffered {
    writer: BufWriter<UnixStream>,
    reader: BufReader<UnixStream>,
}

impl Buffered {
    fn new(stream: UnixStream) -> io::Result<Buffered> {
        let writer = BufWriter::new(stream.try_clone()?);
        Ok(Buffered { writer, reader: BufReader::new(stream) })
    }
}

impl End for Buffered {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        let (a, b) = UnixStream::pair()?;
        Ok((Buffered::new(a)?, Buffered::new(b)?))
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.writer.write_all(&(message.len() as u32).to_be_bytes())?;
        self.writer.write_all(message)?;
        Ok(message.len())
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut length = [0; 4];
        self.reader.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        let too_long = || io::Error::other("a longer message than any that was sent");
        self.reader.read_exact(buffer.get_mut(..length).ok_or_else(too_long)?)?;
        Ok(length)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

struct Framed {
    writer: FrameWriter<sunpath::Stream>,
    reader: FrameReader<sunpath::Stream>,
}

impl Framed {
    fn new(stream: sunpath::Stream) -> io::Result<Framed> {
        let second = sunpath::Stream::try_from(stream.as_fd().try_clone_to_owned()?);
        let second = second.map_err(io::Error::other)?;
        Ok(Framed { writer: FrameWriter::new(second), reader: FrameReader::new(stream) })
    }
}

impl End for Framed {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        let (a, b) = sunpath::Stream::pair()?;
        Ok((Framed::new(a)?, Framed::new(b)?))
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.writer.queue(message)?;
        Ok(message.len())
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(frame) = self.reader.next_frame()? else { return Ok(0) };
        let too_long = || io::Error::other("a longer message than any that was sent");
        buffer.get_mut(..frame.len()).ok_or_else(too_long)?.copy_from_slice(frame);
        Ok(frame.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
