//! How each library receives descriptors, in its usual way.

use super::tools;
use nix::sys::socket as nix_socket;
use passfd::FdPassingExt as _;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SocketType};
use sendfd::RecvWithFd as _;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use unix_ancillary::UnixDatagramExt as _;

/// What a library says it received.
#[derive(Debug, Default)]
pub struct Got {
    /// Descriptors that close by themselves.
    pub owned: Vec<OwnedFd>,
    /// Bare numbers, for the caller to close.
    pub bare: Vec<RawFd>,
    /// Whether it reports that bytes were lost.
    pub bytes_lost: bool,
    /// Whether it reports that descriptors were lost.
    pub descriptors_lost: bool,
}

impl Got {
    /// The numbers of all descriptors.
    pub fn numbers(&self) -> Vec<RawFd> {
        self.owned.iter().map(AsRawFd::as_raw_fd).chain(self.bare.iter().copied()).collect()
    }

    /// Closes everything that the library has told of, as a careful program does.
    pub fn close(self) -> io::Result<()> {
        for number in self.bare {
            nix::unistd::close(number)?;
        }
        Ok(())
    }
}

/// A library that receives descriptors: one method, on a socket of its own.
pub trait Receives: Sized {
    /// A socket of the library, and the sender's end.
    fn pair() -> io::Result<(OwnedFd, Self)>;

    /// The number of its descriptor.
    fn number(&self) -> RawFd;

    /// Receives into a buffer, with room for one descriptor, or for four.
    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got>;
}

/// Room for descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    One,
    Four,
}

impl Room {
    fn count(self) -> usize {
        match self {
            Room::One => 1,
            Room::Four => 4,
        }
    }
}

/// With `MSG_CMSG_CLOEXEC`, which the program has to ask for.
pub struct Nix(OwnedFd);

/// Without it.
pub struct NixPlain(OwnedFd);

fn nix_receive(
    socket: &OwnedFd,
    buffer: &mut [u8],
    room: Room,
    flags: nix_socket::MsgFlags,
) -> io::Result<Got> {
    let mut control = match room {
        Room::One => nix::cmsg_space!(RawFd),
        Room::Four => nix::cmsg_space!([RawFd; 4]),
    };
    let mut buffers = [IoSliceMut::new(buffer)];
    let received =
        nix_socket::recvmsg::<()>(socket.as_raw_fd(), &mut buffers, Some(&mut control), flags)?;
    let mut got = Got {
        bytes_lost: received.flags.contains(nix_socket::MsgFlags::MSG_TRUNC),
        descriptors_lost: received.flags.contains(nix_socket::MsgFlags::MSG_CTRUNC),
        ..Got::default()
    };
    // After truncation there are no messages, but an error.
    for message in received.cmsgs().into_iter().flatten() {
        if let nix_socket::ControlMessageOwned::ScmRights(numbers) = message {
            got.bare.extend(numbers);
        }
    }
    Ok(got)
}

impl Receives for Nix {
    fn pair() -> io::Result<(OwnedFd, Nix)> {
        tools::pair(SocketType::SEQPACKET).map(|(a, b)| (a, Nix(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        nix_receive(&self.0, buffer, room, nix_socket::MsgFlags::MSG_CMSG_CLOEXEC)
    }
}

impl Receives for NixPlain {
    fn pair() -> io::Result<(OwnedFd, NixPlain)> {
        tools::pair(SocketType::SEQPACKET).map(|(a, b)| (a, NixPlain(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        nix_receive(&self.0, buffer, room, nix_socket::MsgFlags::empty())
    }
}

/// With `RecvFlags::CMSG_CLOEXEC`, which the program has to ask for.
pub struct Rustix(OwnedFd);

/// Without it.
pub struct RustixPlain(OwnedFd);

fn rustix_receive(
    socket: &OwnedFd,
    buffer: &mut [u8],
    room: Room,
    flags: RecvFlags,
) -> io::Result<Got> {
    let mut one = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut four = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = match room {
        Room::One => RecvAncillaryBuffer::new(&mut one),
        Room::Four => RecvAncillaryBuffer::new(&mut four),
    };
    let buffers = &mut [IoSliceMut::new(buffer)];
    let received = rustix::net::recvmsg(socket, buffers, &mut control, flags)?;
    let mut got = Got {
        bytes_lost: received.flags.contains(ReturnFlags::TRUNC),
        descriptors_lost: received.flags.contains(ReturnFlags::CTRUNC),
        ..Got::default()
    };
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            got.owned.extend(descriptors);
        }
    }
    Ok(got)
}

impl Receives for Rustix {
    fn pair() -> io::Result<(OwnedFd, Rustix)> {
        tools::pair(SocketType::SEQPACKET).map(|(a, b)| (a, Rustix(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        rustix_receive(&self.0, buffer, room, RecvFlags::CMSG_CLOEXEC)
    }
}

impl Receives for RustixPlain {
    fn pair() -> io::Result<(OwnedFd, RustixPlain)> {
        tools::pair(SocketType::SEQPACKET).map(|(a, b)| (a, RustixPlain(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        rustix_receive(&self.0, buffer, room, RecvFlags::empty())
    }
}

pub struct Uds(uds::UnixSeqpacketConn);

impl Receives for Uds {
    fn pair() -> io::Result<(OwnedFd, Uds)> {
        let (a, b) = uds::UnixSeqpacketConn::pair()?;
        Ok((tools::duplicate(a.as_raw_fd())?, Uds(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        let mut numbers = vec![-1; room.count()];
        let (_, bytes_lost, count) = self.0.recv_fds(buffer, &mut numbers)?;
        numbers.truncate(count);
        Ok(Got { bare: numbers, bytes_lost, ..Got::default() })
    }
}

pub struct TokioSeqpacket {
    runtime: tokio::runtime::Runtime,
    socket: tokio_seqpacket::UnixSeqpacket,
}

impl Receives for TokioSeqpacket {
    fn pair() -> io::Result<(OwnedFd, TokioSeqpacket)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (a, b) = tools::pair(SocketType::SEQPACKET)?;
        rustix::io::ioctl_fionbio(&b, true)?;
        let socket = {
            let _inside = runtime.enter();
            tokio_seqpacket::UnixSeqpacket::try_from(b)?
        };
        Ok((a, TokioSeqpacket { runtime, socket }))
    }

    fn number(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        use tokio_seqpacket::ancillary::OwnedAncillaryMessage;
        // The length that CMSG_SPACE gives for so many descriptors.
        let mut control = match room {
            Room::One => vec![0; 24],
            Room::Four => vec![0; 32],
        };
        self.runtime.block_on(async {
            let (info, reader) = self.socket.recv_with_ancillary(buffer, &mut control).await?;
            let mut got = Got {
                bytes_lost: info.truncated(),
                descriptors_lost: info.ancillary_truncated(),
                ..Got::default()
            };
            for message in reader.into_messages() {
                if let OwnedAncillaryMessage::FileDescriptors(descriptors) = message {
                    got.owned.extend(descriptors);
                }
            }
            Ok(got)
        })
    }
}

pub struct Sendfd(UnixDatagram);

impl Receives for Sendfd {
    fn pair() -> io::Result<(OwnedFd, Sendfd)> {
        let (a, b) = UnixDatagram::pair()?;
        Ok((a.into(), Sendfd(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        let mut numbers = vec![-1; room.count()];
        let (_, count) = self.0.recv_with_fd(buffer, &mut numbers)?;
        numbers.truncate(count);
        Ok(Got { bare: numbers, ..Got::default() })
    }
}

/// Has room for one descriptor, always, and takes four bytes.
pub struct Passfd(UnixStream);

impl Receives for Passfd {
    fn pair() -> io::Result<(OwnedFd, Passfd)> {
        let (a, b) = UnixStream::pair()?;
        Ok((a.into(), Passfd(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, _buffer: &mut [u8], _room: Room) -> io::Result<Got> {
        Ok(Got { bare: vec![self.0.recv_fd()?], ..Got::default() })
    }
}

pub struct UnixAncillary(UnixDatagram);

impl Receives for UnixAncillary {
    fn pair() -> io::Result<(OwnedFd, UnixAncillary)> {
        let (a, b) = UnixDatagram::pair()?;
        Ok((a.into(), UnixAncillary(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        let (_, owned) = match room {
            Room::One => self.0.recv_fds_into::<1>(buffer)?,
            Room::Four => self.0.recv_fds_into::<4>(buffer)?,
        };
        Ok(Got { owned, ..Got::default() })
    }
}

pub struct Sunpath(sunpath::SeqPacket);

impl Receives for Sunpath {
    fn pair() -> io::Result<(OwnedFd, Sunpath)> {
        let (a, b) = sunpath::SeqPacket::pair()?;
        b.sockopt().set_pass_rights(true)?;
        Ok((a.into(), Sunpath(b)))
    }

    fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, buffer: &mut [u8], room: Room) -> io::Result<Got> {
        let mut ancillary = sunpath::AncillaryBuffer::new(room.count());
        let received = self.0.recv_with(buffer, &mut ancillary)?;
        Ok(Got {
            owned: ancillary.take_descriptors().collect(),
            bytes_lost: received.length > received.bytes,
            descriptors_lost: received.ancillary_truncated,
            ..Got::default()
        })
    }
}
