//! Framing: any sequence of frames, however reads and writes are split, and whatever arrives.

use proptest::collection::vec;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use sunpath::framing::{
    CoalescingWriter, DEFAULT_CAPACITY, DEFAULT_LIMIT, FrameError, FrameReader, FrameReceiver,
    FrameWriter,
};
use sunpath::{Ancillary, Stream};

/// What a call on a stream does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many bytes at most.
    Some(usize),
    WouldBlock,
    Interrupted,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..200_usize).prop_map(Step::Some),
        1 => Just(Step::Some(usize::MAX)),
        1 => Just(Step::WouldBlock),
        1 => Just(Step::Interrupted),
    ]
}

/// A pipe whose calls do what the steps say, and everything once these have run out.
#[derive(Debug, Clone, Default)]
struct Pipe {
    steps: Rc<RefCell<VecDeque<Step>>>,
    bytes: Rc<RefCell<VecDeque<u8>>>,
}

impl Pipe {
    fn with(steps: &[Step], bytes: &[u8]) -> Pipe {
        let steps = Rc::new(RefCell::new(steps.iter().copied().collect()));
        Pipe { steps, bytes: Rc::new(RefCell::new(bytes.iter().copied().collect())) }
    }

    fn most(&self) -> io::Result<usize> {
        match self.steps.borrow_mut().pop_front() {
            None => Ok(usize::MAX),
            Some(Step::Some(count)) => Ok(count),
            Some(Step::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
            Some(Step::Interrupted) => Err(ErrorKind::Interrupted.into()),
        }
    }

    fn written(&self) -> Vec<u8> {
        self.bytes.borrow().iter().copied().collect()
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let most = self.most()?;
        let before = self.bytes.borrow().len();
        let mut bytes = self.bytes.borrow_mut();
        for slice in slices {
            let room = most.saturating_sub(bytes.len() - before);
            bytes.extend(&slice[..room.min(slice.len())]);
        }
        Ok(bytes.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Pipe {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let most = self.most()?.min(room.len());
        self.bytes.borrow_mut().read(&mut room[..most])
    }
}

/// The format, as it is documented.
fn encoded(frames: &[Vec<u8>]) -> Vec<u8> {
    let frame = |f: &Vec<u8>| [&(f.len() as u32).to_be_bytes(), &f[..]].concat();
    frames.iter().flat_map(frame).collect()
}

/// Calls until it no longer has to wait.
fn insist<T>(mut call: impl FnMut() -> io::Result<T>) -> T {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result.unwrap(),
        }
    }
}

/// Bytes that do not repeat with any power of two.
fn pattern(length: usize, first: u8) -> Vec<u8> {
    (0..length).map(|i| first.wrapping_add((i % 251) as u8)).collect()
}

fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let length = prop_oneof![Just(0), 1..70_usize, 0..3000_usize, 4000..20_000_usize];
    vec((length, any::<u8>()).prop_map(|(length, byte)| pattern(length, byte)), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn frames_are_written_whole_and_once(
        frames in frames(),
        how in vec(0..3_u8, 12),
        steps in vec(step(), 0..60),
        capacity in prop_oneof![Just(0), 1..300_usize, Just(DEFAULT_CAPACITY)],
    ) {
        let pipe = Pipe::with(&steps, b"");
        let mut writer = FrameWriter::with_capacity(capacity, pipe.clone());
        let expected = encoded(&frames);
        for (frame, how) in frames.iter().zip(how) {
            match how {
                0 => insist(|| writer.queue(frame)),
                1 => insist(|| writer.send(frame)),
                _ => {
                    insist(|| writer.queue(frame));
                    insist(|| writer.flush());
                }
            }
            // What was taken is what came out and what is still held.
            prop_assert!(expected.starts_with(&pipe.written()));
        }
        prop_assert_eq!(pipe.written().len() + writer.buffered(), expected.len());
        insist(|| writer.flush());
        prop_assert_eq!(writer.buffered(), 0);
        prop_assert!(pipe.written() == expected);
    }

    #[test]
    fn frames_are_read_whole_and_once(
        frames in frames(),
        steps in vec(step(), 0..120),
        capacity in prop_oneof![Just(0), 1..300_usize, Just(DEFAULT_CAPACITY)],
    ) {
        let mut reader = FrameReader::with_capacity(capacity, Pipe::with(&steps, &encoded(&frames)));
        for frame in &frames {
            let read = insist(|| Ok(reader.next_frame()?.map(<[u8]>::to_vec)));
            prop_assert_eq!(read.as_ref(), Some(frame));
        }
        for _ in 0..2 {
            prop_assert_eq!(insist(|| Ok(reader.next_frame()?.map(<[u8]>::to_vec))), None);
        }
    }

    #[test]
    fn an_end_within_a_frame_is_told(frames in frames(), at in any::<prop::sample::Index>()) {
        let bytes = encoded(&frames);
        let cut = at.index(bytes.len() + 1);
        let mut reader = FrameReader::with_capacity(100, &bytes[..cut]);
        let mut whole = 0;
        let error = loop {
            match reader.next_frame() {
                Ok(Some(frame)) => {
                    prop_assert_eq!(frame, &frames[whole][..]);
                    whole += 1;
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let rest = cut - encoded(&frames[..whole]).len();
        let Some(error) = error else {
            prop_assert_eq!(rest, 0);
            return Ok(());
        };
        prop_assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let expected = match rest.checked_sub(4) {
            None => FrameError::EndInHeader { received: rest },
            Some(received) => FrameError::EndInFrame { received, length: frames[whole].len() },
        };
        prop_assert_eq!(error.downcast::<FrameError>().unwrap(), expected);
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(
        bytes in vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..600),
        steps in vec(step(), 0..40),
        limit in 0..1000_usize,
    ) {
        let pipe = Pipe::with(&steps, &bytes);
        let mut reader = FrameReader::with_capacity(64, pipe).with_limit(limit);
        let mut taken = 0;
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => {
                    prop_assert!(frame.len() <= limit);
                    taken += 4 + frame.len();
                    prop_assert_eq!(&bytes[taken - frame.len()..taken], frame);
                }
                Ok(None) => {
                    prop_assert_eq!(taken, bytes.len());
                    break;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => {
                    prop_assert!(error.downcast::<FrameError>().is_ok());
                    break;
                }
            }
        }
    }

    #[test]
    fn small_writes_are_coalesced_and_nothing_is_lost(
        writes in vec(vec(any::<u8>(), 0..600), 0..30),
        steps in vec(step(), 0..40),
        capacity in 0..1000_usize,
    ) {
        let pipe = Pipe::with(&steps, b"");
        let mut writer = CoalescingWriter::with_capacity(capacity, pipe.clone());
        for (i, bytes) in writes.iter().enumerate() {
            if i % 3 == 0 {
                insist(|| writer.write_whole(bytes));
                continue;
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let count = insist(|| writer.write(rest));
                rest = &rest[count..];
            }
        }
        insist(|| writer.flush());
        prop_assert_eq!(pipe.written(), writes.concat());
    }
}

#[test]
fn the_format_is_that_of_the_documentation() {
    let pipe = Pipe::default();
    let mut writer = FrameWriter::new(pipe.clone());
    writer.queue(b"hi").unwrap();
    writer.queue(b"").unwrap();
    assert!(pipe.written().is_empty());
    assert_eq!(writer.buffered(), 10);
    drop(writer);
    assert_eq!(pipe.written(), b"\0\0\0\x02hi\0\0\0\0");
}

#[test]
fn both_sides_keep_the_limit() {
    let mut writer = FrameWriter::new(io::sink()).with_limit(3);
    writer.queue(b"abc").unwrap();
    for error in [writer.queue(b"abcd"), writer.send(b"abcd")].map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let inner = error.downcast::<FrameError>().unwrap();
        assert_eq!(inner, FrameError::TooLong { length: 4, limit: 3 });
    }
    assert_eq!(writer.buffered(), 7);

    let mut reader = FrameReader::new(&b"\0\0\0\x03abc\0\0\0\x04abcd"[..]).with_limit(3);
    assert_eq!(reader.next_frame().unwrap(), Some(&b"abc"[..]));
    for _ in 0..2 {
        let error = reader.next_frame().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "a frame of 4 bytes is longer than the limit of 3");
    }

    let largest = vec![1; DEFAULT_LIMIT];
    let bytes = encoded(&[largest.clone(), vec![0; DEFAULT_LIMIT + 1]]);
    let mut reader = FrameReader::new(&bytes[..]);
    assert!(reader.next_frame().unwrap() == Some(&largest));
    assert_eq!(reader.next_frame().unwrap_err().kind(), ErrorKind::InvalidData);
}

/// Fails once, after a part.
struct Failing {
    room: usize,
    error: Option<io::Error>,
    written: Vec<u8>,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room);
        if count == 0 {
            self.room = usize::MAX;
            return self.error.take().map_or(Ok(0), Err);
        }
        self.room -= count;
        self.written.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_after_a_part_of_a_frame_is_told_by_the_next_call() {
    let long = vec![7; 10_000];
    for frame in [b"abc".to_vec(), long] {
        let error = Some(io::Error::from(ErrorKind::StorageFull));
        let stream = Failing { room: 2, error, written: Vec::new() };
        let mut writer = FrameWriter::new(stream);
        writer.send(&frame).unwrap(); // taken, because its header has begun
        assert_eq!(writer.buffered(), frame.len() + 2);
        assert_eq!(writer.send(b"next").unwrap_err().kind(), ErrorKind::StorageFull);
        writer.send(b"next").unwrap();
        assert_eq!(writer.get_ref().written, encoded(&[frame, b"next".to_vec()]));
    }
}

#[test]
fn a_stream_without_room_takes_a_frame_or_does_not() {
    let (a, b) = Stream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    b.set_nonblocking(true).unwrap();
    let (mut writer, mut reader) = (FrameWriter::new(&a), FrameReader::new(&b));
    let frame = |i: usize| vec![i as u8; i * 7919 % 150_000];
    let (mut sent, mut received, mut refused) = (0, 0, 0);
    while received < 200 {
        while sent < 200 {
            match writer.send(&frame(sent)) {
                Ok(()) => sent += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    refused += 1;
                    break;
                }
            }
        }
        if sent == 200 {
            match writer.flush() {
                Ok(()) => assert_eq!(writer.buffered(), 0),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        loop {
            match reader.next_frame() {
                Ok(Some(bytes)) => {
                    assert!(bytes == frame(received), "frame {received}");
                    received += 1;
                }
                Ok(None) => unreachable!("nobody closed"),
                Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }
    assert!(refused > 0, "the stream never was full");
}

#[test]
fn the_end_of_a_real_stream_is_told_apart() {
    for (sent, expected) in [
        (&b"\0\0\0\x01x"[..], None),
        (b"\0\0\0\x01x\0\0", Some(FrameError::EndInHeader { received: 2 })),
        (b"\0\0\0\x01x\0\0\0\x05ab", Some(FrameError::EndInFrame { received: 2, length: 5 })),
    ] {
        let (mut a, b) = Stream::pair().unwrap();
        a.write_all(sent).unwrap();
        drop(a);
        let mut reader = FrameReader::new(b);
        assert_eq!(reader.next_frame().unwrap(), Some(&b"x"[..]));
        match (reader.next_frame(), expected) {
            (Ok(None), None) => {}
            (Err(error), Some(expected)) => {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                assert_eq!(error.downcast::<FrameError>().unwrap(), expected);
            }
            (got, expected) => panic!("{got:?} instead of {expected:?}"),
        }
    }
}

/// A file whose content is its name, for what the receiver gets to be recognised.
fn marked(text: &[u8]) -> OwnedFd {
    let (mut a, b) = Stream::pair().unwrap();
    a.write_all(text).unwrap();
    b.into()
}

fn text_of(descriptor: OwnedFd) -> Vec<u8> {
    let mut text = Vec::new();
    File::from(descriptor).read_to_end(&mut text).unwrap();
    text
}

#[test]
fn descriptors_come_with_their_frame() {
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let frames: Vec<Vec<u8>> = (0..60_usize).map(|i| vec![i as u8; i * i * 23]).collect();
    let count = |i: usize| if i % 3 == 2 { i % 5 } else { 0 };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = FrameWriter::new(&a);
            for (i, frame) in frames.iter().enumerate() {
                let owned: Vec<_> =
                    (0..count(i)).map(|j| marked(format!("{i} {j}").as_bytes())).collect();
                let borrowed: Vec<_> = owned.iter().map(AsFd::as_fd).collect();
                match count(i) {
                    0 => writer.queue(frame).unwrap(),
                    _ => writer.send_with(frame, &Ancillary::descriptors(&borrowed)).unwrap(),
                }
            }
            writer.flush().unwrap();
            a.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut receiver = FrameReceiver::new(&b, 5);
        for (i, expected) in frames.iter().enumerate() {
            let mut frame = receiver.next_frame().unwrap().unwrap();
            assert!(frame.bytes == expected, "frame {i}");
            assert!(!frame.descriptors_lost);
            let texts: Vec<_> = frame.take_descriptors().map(text_of).collect();
            let expected: Vec<_> = (0..count(i)).map(|j| format!("{i} {j}").into_bytes()).collect();
            assert_eq!(texts, expected, "frame {i}");
        }
        assert!(receiver.next_frame().unwrap().is_none());
    });
}

#[test]
fn descriptors_that_belong_to_no_frame_are_refused() {
    let (mut a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let mut receiver = FrameReceiver::new(&b, 2);
    let error = io::stderr();
    let one = [error.as_fd()];
    // In the middle of a frame, read by itself and together with what was before.
    a.write_all(b"\0\0\0\x01a\0\0\0\x04bb").unwrap();
    assert_eq!(receiver.next_frame().unwrap().unwrap().bytes, b"a");
    a.send_with(b"bb", &Ancillary::descriptors(&one)).unwrap();
    let stray = receiver.next_frame().unwrap_err();
    assert_eq!(stray.kind(), ErrorKind::InvalidData);
    assert_eq!(stray.downcast::<FrameError>().unwrap(), FrameError::StrayDescriptors);
    let mut frame = receiver.next_frame().unwrap().unwrap();
    assert_eq!((frame.bytes, frame.take_descriptors().count()), (&b"bbbb"[..], 0));
    // A second set within one frame.
    a.send_with(b"\0\0\0\x02c", &Ancillary::descriptors(&one)).unwrap();
    a.send_with(b"c", &Ancillary::descriptors(&one)).unwrap();
    assert_eq!(receiver.next_frame().unwrap_err().kind(), ErrorKind::InvalidData);
    let mut frame = receiver.next_frame().unwrap().unwrap();
    assert_eq!((frame.bytes, frame.take_descriptors().count()), (&b"cc"[..], 1));
}

#[test]
fn more_descriptors_than_expected_are_told_and_the_frame_is_kept() {
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let error = io::stderr();
    let mut writer = FrameWriter::new(&a);
    writer.send_with(b"three", &Ancillary::descriptors(&[error.as_fd(); 3])).unwrap();
    writer.send(b"none").unwrap();
    let mut receiver = FrameReceiver::new(&b, 0);
    let mut frame = receiver.next_frame().unwrap().unwrap();
    assert_eq!((frame.bytes, frame.descriptors_lost), (&b"three"[..], true));
    assert_eq!(frame.take_descriptors().count(), 0);
    let frame = receiver.next_frame().unwrap().unwrap();
    assert_eq!((frame.bytes, frame.descriptors_lost), (&b"none"[..], false));
}
