//! A descriptor to pass, and whether every copy of it is closed.

use std::io::{PipeReader, PipeWriter, Read};

/// A descriptor whose copies are all closed when the other end reads the end of file.
pub fn watched() -> (PipeReader, PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    (reader, writer)
}

pub fn is_closed(mut reader: &PipeReader) -> bool {
    matches!(reader.read(&mut [0; 1]), Ok(0))
}
