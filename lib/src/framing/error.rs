use std::{fmt, io};

/// What is wrong with a frame. It arrives inside an [`io::Error`], whose
/// [`downcast`](io::Error::downcast) gets it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The payload is longer than the limit. To write, `InvalidInput`: nothing of it was taken.
    /// To read, `InvalidData`: the peer does not speak this format, or has another limit. The
    /// reader stays where it is.
    TooLong {
        /// Bytes of the payload.
        length: usize,
        /// The most that was permitted.
        limit: usize,
    },
    /// The stream ended within a header (`UnexpectedEof`).
    EndInHeader {
        /// Bytes of the header that had come, of 4.
        received: usize,
    },
    /// The stream ended within a payload (`UnexpectedEof`).
    EndInFrame {
        /// Bytes of the payload that had come.
        received: usize,
        /// Bytes of the whole payload.
        length: usize,
    },
    /// Descriptors came that did not travel with the first byte of a frame (`InvalidData`). They
    /// were closed.
    StrayDescriptors,
}

impl FrameError {
    /// As an error of a writer.
    pub(super) fn of_input(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, self)
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong { length, limit } => {
                write!(f, "a frame of {length} bytes is longer than the limit of {limit}")
            }
            FrameError::EndInHeader { received } => {
                write!(f, "the stream ended after {received} of the 4 bytes of a frame's header")
            }
            FrameError::EndInFrame { received, length } => {
                write!(f, "the stream ended after {received} of the {length} bytes of a frame")
            }
            FrameError::StrayDescriptors => f.write_str(
                "descriptors arrived that did not travel with the first byte of a frame",
            ),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<FrameError> for io::Error {
    /// As an error of a reader.
    fn from(error: FrameError) -> io::Error {
        let kind = match error {
            FrameError::TooLong { .. } | FrameError::StrayDescriptors => io::ErrorKind::InvalidData,
            FrameError::EndInHeader { .. } | FrameError::EndInFrame { .. } => {
                io::ErrorKind::UnexpectedEof
            }
        };
        io::Error::new(kind, error)
    }
}
