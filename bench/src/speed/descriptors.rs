//! Passing descriptors, from 1 to 253 a message. The receiver closes what it got.

use super::bytes::End;
use super::harness::{Round, Sides, Subject, Work};
use super::peers::{Nix, Rustix};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use passfd::FdPassingExt;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use sendfd::{RecvWithFd, SendWithFd};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use sunpath::SocketType::{self, SeqPacket, Stream};
use sunpath::{Ancillary, AncillaryBuffer, MOST_DESCRIPTORS};
use uds::UnixSeqpacketConn;
use unix_ancillary::UnixStreamExt;

/// Everyone who passes descriptors, with this many in each message.
pub fn all(count: usize) -> Vec<Subject> {
    let mut all = vec![
        subject::<WithRoom<Rustix>>("rustix", Stream, count),
        subject::<SendFd>("sendfd", Stream, count),
        subject::<UnixAncillary>("unix-ancillary", Stream, count),
        subject::<WithRoom<Nix>>("nix", Stream, count),
        subject::<Sunpath<sunpath::Stream>>("sunpath", Stream, count),
        subject::<WithRoom<Rustix>>("rustix", SeqPacket, count),
        subject::<WithRoom<Nix>>("nix", SeqPacket, count),
        subject::<Uds>("uds", SeqPacket, count),
        subject::<Sunpath<sunpath::SeqPacket>>("sunpath", SeqPacket, count),
    ];
    if count == 1 {
        all.push(subject::<PassFd>("passfd", Stream, count));
    }
    all
}

/// One end of a pair. There is room for 253 descriptors in every message.
trait Passer: Sized + 'static {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)>;
    /// Sends a message with these descriptors, in both of their forms.
    fn pass(&mut self, fds: &[BorrowedFd<'_>], numbers: &[RawFd]) -> io::Result<()>;
    /// Receives a message and closes its descriptors; how many there were.
    fn take(&mut self) -> io::Result<usize>;
}

fn subject<P: Passer>(name: &'static str, kind: SocketType, count: usize) -> Subject {
    let sides = move || {
        let (a, b) = P::pair(kind)?;
        Ok(Sides {
            first: Box::new(move || work(a, count, true)),
            second: Box::new(move || work(b, count, false)),
        })
    };
    Subject { kind: kind.name(), name, sides: Box::new(sides) }
}

/// All messages in one direction, then one back.
fn work<P: Passer>(mut end: P, count: usize, sends: bool) -> io::Result<Work> {
    let files: Vec<File> = (0..count).map(|_| File::open("/dev/null")).collect::<Result<_, _>>()?;
    Ok(Box::new(move |round: Round| {
        let fds: Vec<BorrowedFd<'_>> = files.iter().map(|file| file.as_fd()).collect();
        let numbers: Vec<RawFd> = files.iter().map(|file| file.as_raw_fd()).collect();
        let (passed, taken) = if sends { (round.count, 1) } else { (1, round.count) };
        let pass = |end: &mut P| (0..passed).try_for_each(|_| end.pass(&fds, &numbers));
        let take = |end: &mut P| (0..taken).try_for_each(|_| expect(count, end.take()?));
        if sends {
            pass(&mut end)?;
            take(&mut end)
        } else {
            take(&mut end)?;
            pass(&mut end)
        }
    }))
}

fn expect(sent: usize, taken: usize) -> io::Result<()> {
    if sent == taken {
        return Ok(());
    }
    Err(io::Error::other(format!("{taken} descriptors came of {sent}")))
}

/// Closes descriptors that came as bare numbers.
fn close(numbers: &[RawFd]) -> io::Result<usize> {
    for number in numbers {
        nix::unistd::close(*number)?;
    }
    Ok(numbers.len())
}

const BYTE: [u8; 1] = [0];

/// An end with its buffer for control messages.
struct WithRoom<E> {
    end: E,
    room: Vec<MaybeUninit<u8>>,
    bytes: Vec<u8>,
}

fn with_room<E: End>(kind: SocketType) -> io::Result<(WithRoom<E>, WithRoom<E>)> {
    let (a, b) = E::pair(kind)?;
    let wrap = |end| WithRoom {
        end,
        room: vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))],
        bytes: nix::cmsg_space!([RawFd; MOST_DESCRIPTORS]),
    };
    Ok((wrap(a), wrap(b)))
}

impl Passer for WithRoom<Rustix> {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        with_room(kind)
    }
    fn pass(&mut self, fds: &[BorrowedFd<'_>], _: &[RawFd]) -> io::Result<()> {
        let mut control = SendAncillaryBuffer::new(&mut self.room);
        control.push(SendAncillaryMessage::ScmRights(fds));
        let bytes = [IoSlice::new(&BYTE)];
        rustix::net::sendmsg(&self.end.0, &bytes, &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
    fn take(&mut self) -> io::Result<usize> {
        let mut control = RecvAncillaryBuffer::new(&mut self.room);
        let mut byte = BYTE;
        let buffers = &mut [IoSliceMut::new(&mut byte)];
        rustix::net::recvmsg(&self.end.0, buffers, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let rights = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds.count()),
            _ => None,
        });
        Ok(rights.sum())
    }
}

impl Passer for WithRoom<Nix> {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        with_room(kind)
    }
    fn pass(&mut self, _: &[BorrowedFd<'_>], numbers: &[RawFd]) -> io::Result<()> {
        let control = [ControlMessage::ScmRights(numbers)];
        let (fd, bytes) = (self.end.0.as_raw_fd(), [IoSlice::new(&BYTE)]);
        sendmsg::<()>(fd, &bytes, &control, MsgFlags::MSG_NOSIGNAL, None)?;
        Ok(())
    }
    fn take(&mut self) -> io::Result<usize> {
        let mut byte = BYTE;
        let mut buffers = [IoSliceMut::new(&mut byte)];
        let (fd, flags) = (self.end.0.as_raw_fd(), MsgFlags::MSG_CMSG_CLOEXEC);
        let message = recvmsg::<()>(fd, &mut buffers, Some(&mut self.bytes), flags)?;
        let mut taken = 0;
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(numbers) = control {
                taken += close(&numbers)?;
            }
        }
        Ok(taken)
    }
}

struct SendFd(UnixStream, [RawFd; MOST_DESCRIPTORS]);

impl Passer for SendFd {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        let (a, b) = UnixStream::pair()?;
        Ok((SendFd(a, [-1; MOST_DESCRIPTORS]), SendFd(b, [-1; MOST_DESCRIPTORS])))
    }
    fn pass(&mut self, _: &[BorrowedFd<'_>], numbers: &[RawFd]) -> io::Result<()> {
        self.0.send_with_fd(&BYTE, numbers).map(drop)
    }
    fn take(&mut self) -> io::Result<usize> {
        let (_, taken) = self.0.recv_with_fd(&mut [0], &mut self.1)?;
        close(&self.1[..taken])
    }
}

/// One descriptor a message is all that it can do.
struct PassFd(UnixStream);

impl Passer for PassFd {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        UnixStream::pair().map(|(a, b)| (PassFd(a), PassFd(b)))
    }
    fn pass(&mut self, _: &[BorrowedFd<'_>], numbers: &[RawFd]) -> io::Result<()> {
        numbers.iter().try_for_each(|number| self.0.send_fd(*number))
    }
    fn take(&mut self) -> io::Result<usize> {
        close(&[self.0.recv_fd()?])
    }
}

struct UnixAncillary(UnixStream);

impl Passer for UnixAncillary {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        UnixStream::pair().map(|(a, b)| (UnixAncillary(a), UnixAncillary(b)))
    }
    fn pass(&mut self, fds: &[BorrowedFd<'_>], _: &[RawFd]) -> io::Result<()> {
        self.0.send_fds(&BYTE, fds).map(drop)
    }
    fn take(&mut self) -> io::Result<usize> {
        Ok(self.0.recv_fds_into::<MOST_DESCRIPTORS>(&mut [0])?.1.len())
    }
}

struct Uds(UnixSeqpacketConn, [RawFd; MOST_DESCRIPTORS]);

impl Passer for Uds {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        let (a, b) = UnixSeqpacketConn::pair()?;
        Ok((Uds(a, [-1; MOST_DESCRIPTORS]), Uds(b, [-1; MOST_DESCRIPTORS])))
    }
    fn pass(&mut self, _: &[BorrowedFd<'_>], numbers: &[RawFd]) -> io::Result<()> {
        self.0.send_fds(&BYTE, numbers).map(drop)
    }
    fn take(&mut self) -> io::Result<usize> {
        let (_, _, taken) = self.0.recv_fds(&mut [0], &mut self.1)?;
        close(&self.1[..taken])
    }
}

struct Sunpath<S>(S, AncillaryBuffer);

macro_rules! sunpath {
    ($($socket:ident)*) => {$(
        impl Passer for Sunpath<sunpath::$socket> {
            fn pair(_: SocketType) -> io::Result<(Self, Self)> {
                let (a, b) = sunpath::$socket::pair()?;
                a.sockopt().set_pass_rights(true)?;
                b.sockopt().set_pass_rights(true)?;
                let room = || AncillaryBuffer::new(MOST_DESCRIPTORS);
                Ok((Sunpath(a, room()), Sunpath(b, room())))
            }
            fn pass(&mut self, fds: &[BorrowedFd<'_>], _: &[RawFd]) -> io::Result<()> {
                self.0.send_with(&BYTE, &Ancillary::descriptors(fds))?;
                Ok(())
            }
            fn take(&mut self) -> io::Result<usize> {
                self.0.recv_with(&mut [0], &mut self.1)?;
                Ok(self.1.take_descriptors().count())
            }
        }
    )*};
}

sunpath! { Stream SeqPacket }
