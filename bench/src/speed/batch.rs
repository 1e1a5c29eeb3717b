//! Many small messages in one call, beside one call for each.

use super::bytes::{End, Traffic, subject};
use super::harness::Subject;
use super::peers;
use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg, sendmmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use sunpath::SocketType::{self, Datagram, SeqPacket};
use sunpath::{Ancillary, AncillaryBuffer, Outgoing, RecvBatch, RecvFlags, SendFlags};

/// Messages a call.
pub const BATCH: usize = 32;

/// Bytes of each of them.
const SIZE: usize = 64;

/// Everyone who batches, and those who do not.
pub fn all() -> Vec<Subject> {
    let (traffic, size) = (Traffic::OneWay, BATCH * SIZE);
    let mut all = Vec::new();
    for kind in [SeqPacket, Datagram] {
        all.push(subject::<Each<peers::Rustix>>("rustix", kind, traffic, size));
        match kind {
            SeqPacket => {
                all.push(subject::<Each<sunpath::SeqPacket>>("sunpath", kind, traffic, size));
                let name = "sunpath, send_message";
                all.push(subject::<Whole<sunpath::SeqPacket>>(name, kind, traffic, size));
                let name = "sunpath, batch";
                all.push(subject::<Batch<sunpath::SeqPacket>>(name, kind, traffic, size));
            }
            _ => {
                all.push(subject::<Each<UnixDatagram>>("std", kind, traffic, size));
                all.push(subject::<Each<sunpath::Datagram>>("sunpath", kind, traffic, size));
                let name = "sunpath, send_message";
                all.push(subject::<Whole<sunpath::Datagram>>(name, kind, traffic, size));
                let name = "sunpath, batch";
                all.push(subject::<Batch<sunpath::Datagram>>(name, kind, traffic, size));
            }
        }
        all.push(subject::<Each<peers::Nix>>("nix", kind, traffic, size));
        all.push(subject::<NixBatch>("nix, batch", kind, traffic, size));
    }
    all
}

/// One call for each message.
struct Each<E>(E);

impl<E: End> End for Each<E> {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        E::pair(kind).map(|(a, b)| (Each(a), Each(b)))
    }
    #[inline(always)]
    fn send(&mut self, messages: &[u8]) -> io::Result<usize> {
        for message in messages.chunks(SIZE) {
            self.0.send(message)?;
        }
        Ok(messages.len())
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(&mut buffer[..SIZE])
    }
}

struct NixBatch {
    socket: peers::Nix,
    sent: MultiHeaders<()>,
    received: MultiHeaders<()>,
}

impl End for NixBatch {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        let (a, b) = peers::Nix::pair(kind)?;
        let headers = || MultiHeaders::preallocate(BATCH, None);
        let wrap = |socket| NixBatch { socket, sent: headers(), received: headers() };
        Ok((wrap(a), wrap(b)))
    }
    fn send(&mut self, messages: &[u8]) -> io::Result<usize> {
        let mut chunks = messages.chunks(SIZE);
        let slices: [[IoSlice<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSlice::new(chunks.next().unwrap_or_default())]);
        let count = messages.len() / SIZE;
        let (fd, flags) = (self.socket.0.as_raw_fd(), MsgFlags::MSG_NOSIGNAL);
        let nobody = [None; BATCH];
        let sent = sendmmsg(fd, &mut self.sent, &slices[..count], nobody, [], flags)?;
        Ok(sent.map(|message| message.bytes).sum())
    }
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut chunks = buffer.chunks_mut(SIZE);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let (fd, flags) = (self.socket.0.as_raw_fd(), MsgFlags::MSG_WAITFORONE);
        let received = recvmmsg(fd, &mut self.received, &mut slices, flags, None)?;
        Ok(received.map(|message| message.bytes).sum())
    }
}

/// One call for each message, with room for all that a message of a batch has room for.
struct Whole<S>(S, AncillaryBuffer);

struct Batch<S>(S, RecvBatch);

macro_rules! sunpath {
    ($($socket:ident)*) => {$(
        impl End for Whole<sunpath::$socket> {
            fn pair(_: SocketType) -> io::Result<(Self, Self)> {
                let (a, b) = sunpath::$socket::pair()?;
                Ok((Whole(a, AncillaryBuffer::new(0)), Whole(b, AncillaryBuffer::new(0))))
            }
            #[inline(always)]
            fn send(&mut self, messages: &[u8]) -> io::Result<usize> {
                for message in messages.chunks(SIZE) {
                    self.0.send_with(message, &Ancillary::NONE)?;
                }
                Ok(messages.len())
            }
            #[inline(always)]
            fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0.recv_with(&mut buffer[..SIZE], &mut self.1)?;
                Ok(SIZE)
            }
        }

        impl End for Batch<sunpath::$socket> {
            fn pair(_: SocketType) -> io::Result<(Self, Self)> {
                let (a, b) = sunpath::$socket::pair()?;
                let room = || RecvBatch::new(BATCH, SIZE, 0);
                Ok((Batch(a, room()), Batch(b, room())))
            }
            fn send(&mut self, messages: &[u8]) -> io::Result<usize> {
                let mut chunks = messages.chunks(SIZE);
                let batch: [Outgoing<'_>; BATCH] =
                    std::array::from_fn(|_| Outgoing::new(chunks.next().unwrap_or_default()));
                let count = messages.len() / SIZE;
                Ok(self.0.send_batch(&batch[..count], SendFlags::NONE)? * SIZE)
            }
            fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = self.0.recv_batch(&mut self.1, RecvFlags::NONE)?;
                for (room, message) in buffer.chunks_mut(SIZE).zip(self.1.messages()) {
                    room.copy_from_slice(message.bytes);
                }
                Ok(count * SIZE)
            }
        }
    )*};
}

sunpath! { SeqPacket Datagram }
