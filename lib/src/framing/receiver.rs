use super::{FrameDecoder, FrameError, HEADER};
use crate::{AncillaryBuffer, Received, RecvFlags, Stream};
use std::borrow::Borrow;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::fd::OwnedFd;

/// Reads frames and the descriptors beside them, as
/// [`FrameWriter::send_with`](super::FrameWriter::send_with) sends them. In all else it is a
/// [`FrameReader`](super::FrameReader).
///
/// The kernel tells with which read descriptors came, not with which byte. But a read never goes
/// beyond the write that they were sent with, and a frame with descriptors is a write of its own:
/// so they belong to the frame that the last byte of the read is in. The rest of that frame is
/// then read alone, so that there is only ever one frame whose descriptors are held.
///
/// ```
/// use std::os::fd::AsFd;
/// use sunpath::framing::{FrameReceiver, FrameWriter};
/// use sunpath::{Ancillary, Stream};
///
/// let (a, b) = Stream::pair()?;
/// b.sockopt().set_pass_rights(true)?; // a socket takes descriptors only if told to
/// let mut writer = FrameWriter::new(&a);
/// writer.queue(b"nothing beside it")?;
/// writer.send_with(b"a file", &Ancillary::descriptors(&[std::io::stderr().as_fd()]))?;
///
/// let mut receiver = FrameReceiver::new(&b, 1);
/// let mut first = receiver.next_frame()?.expect("a frame");
/// assert_eq!((first.bytes, first.take_descriptors().count()), (&b"nothing beside it"[..], 0));
/// let mut second = receiver.next_frame()?.expect("a frame");
/// assert_eq!((second.bytes, second.take_descriptors().count()), (&b"a file"[..], 1));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FrameReceiver<S> {
    stream: S,
    collector: FrameCollector,
}

/// A frame, and what came beside it.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The payload.
    pub bytes: &'a [u8],
    /// Whether descriptors of this frame were lost: there were more than expected, or no more
    /// could be opened.
    pub descriptors_lost: bool,
    descriptors: &'a mut Vec<OwnedFd>,
    count: usize,
}

impl Frame<'_> {
    /// The descriptors, in the order in which they were sent. Those that are not taken are closed
    /// when the next frame is asked for.
    pub fn take_descriptors(&mut self) -> impl Iterator<Item = OwnedFd> + '_ {
        self.descriptors.drain(..std::mem::take(&mut self.count))
    }
}

impl<S: Borrow<Stream>> FrameReceiver<S> {
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
    /// # Errors
    /// Those of [`FrameReader::next_frame`](super::FrameReader::next_frame), and
    /// [`FrameError::StrayDescriptors`] (`InvalidData`), after which the frames go on.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame<'_>>> {
        let stream: &Stream = self.stream.borrow();
        let found = self.collector.next(|buffers, ancillary| {
            Ok(stream.recv_message(buffers, ancillary, RecvFlags::NONE)?)
        })?;
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
}

/// Frames and the descriptors beside them, without input and output of its own:
/// [`next`](FrameCollector::next) is passed what receives. If it fails, what has come is kept.
#[derive(Debug)]
pub(crate) struct FrameCollector {
    decoder: FrameDecoder,
    ancillary: AncillaryBuffer,
    descriptors: Vec<OwnedFd>,
    lost: bool,
    /// How many bytes before the header of the frame that `descriptors` and `lost` belong to,
    /// until it is handed out.
    owner: Option<usize>,
}

impl FrameCollector {
    pub(crate) fn new(descriptors: usize) -> FrameCollector {
        FrameCollector {
            decoder: FrameDecoder::new(),
            ancillary: AncillaryBuffer::new(descriptors),
            descriptors: Vec::new(),
            lost: false,
            owner: None,
        }
    }

    pub(crate) fn set_limit(&mut self, bytes: usize) {
        self.decoder.set_limit(bytes);
    }

    pub(crate) fn pending(&self) -> usize {
        self.decoder.pending()
    }

    /// Where the next frame is, and whether what was collected belongs to it; `None` at the end of
    /// the stream. [`frame`](FrameCollector::frame) hands it out.
    pub(crate) fn next<R>(&mut self, mut receive: R) -> io::Result<Option<(Range<usize>, bool)>>
    where
        R: FnMut(&mut [IoSliceMut<'_>], &mut AncillaryBuffer) -> io::Result<Received>,
    {
        if self.owner.is_none() {
            self.descriptors.clear();
            self.lost = false;
        }
        let found = loop {
            if let Some(found) = self.decoder.take()? {
                break found;
            }
            if !self.receive(&mut receive)? {
                self.decoder.ended()?;
                return Ok(None);
            }
        };
        let owns = self.owner == Some(0);
        let handed_out = HEADER + found.len();
        self.owner = self.owner.filter(|before| *before > 0).map(|before| before - handed_out);
        Ok(Some((found, owns)))
    }

    /// What [`next`](FrameCollector::next) found; good until it is called again.
    pub(crate) fn frame(&mut self, (found, owns): (Range<usize>, bool)) -> Frame<'_> {
        Frame {
            bytes: self.decoder.frame(found),
            descriptors_lost: owns && self.lost,
            count: if owns { self.descriptors.len() } else { 0 },
            descriptors: &mut self.descriptors,
        }
    }

    /// One read; `false` at the end of the stream.
    fn receive<R>(&mut self, receive: &mut R) -> io::Result<bool>
    where
        R: FnMut(&mut [IoSliceMut<'_>], &mut AncillaryBuffer) -> io::Result<Received>,
    {
        let (before, missing) = (self.decoder.pending(), self.decoder.missing());
        let mut room = self.decoder.room()?;
        if self.owner.is_some() && room.len() > missing {
            room = &mut room[..missing];
        }
        let mut buffers = [IoSliceMut::new(room)];
        let received = loop {
            match receive(&mut buffers, &mut self.ancillary) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.decoder.filled(received.bytes);
        let mut came = self.ancillary.take_descriptors().peekable();
        if came.peek().is_some() || received.ancillary_truncated {
            let start = self.decoder.last_start();
            if self.owner.is_some() || start < before {
                return Err(FrameError::StrayDescriptors.into());
            }
            self.descriptors.extend(came);
            (self.lost, self.owner) = (received.ancillary_truncated, Some(start));
        }
        Ok(received.bytes > 0)
    }
}
