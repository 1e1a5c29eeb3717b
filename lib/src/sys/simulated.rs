//! Where the calls of this module turn to the model instead of the kernel (feature `sim`).

use super::Result;
use super::batch::{HasInbox, Packet, Slot};
use super::control::Writer;
use super::message::{Arrival, Inbox};
use super::name::Name;
use crate::model::FileStatus;
use crate::op::Received;
use crate::sim::Simulated;
use rustix::fs::{Statx, StatxFlags};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{RecvFlags, SendFlags};
use std::io::IoSliceMut;
use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};

/// A descriptor by its number, which is only looked at: whether it is a simulated socket. Nothing
/// happens if none is open under it.
pub(crate) fn borrow<'a>(number: RawFd) -> BorrowedFd<'a> {
    // SAFETY: -1 is no descriptor, and every other number may be one; `fstat`, the only call that is
    // made with it, fails where there is none.
    unsafe { BorrowedFd::borrow_raw(number.max(0)) }
}

/// An address of any kind as bytes.
pub(super) fn name(of: &impl SocketAddrArg) -> Name {
    // SAFETY: the pointer is to so many initialised bytes, as the trait requires.
    unsafe {
        of.with_sockaddr(|address, length| {
            let bytes = std::slice::from_raw_parts(address.cast::<u8>(), length as usize);
            let (family, rest) = bytes.split_at(bytes.len().min(2));
            Name::from_bytes(u16::from_ne_bytes([family[0], family[1]]), rest)
        })
    }
}

/// What `statx(2)` would say of a file of the model.
pub(super) fn status(of: &FileStatus) -> Statx {
    // SAFETY: it holds numbers alone, for which zero is valid.
    let mut status: Statx = unsafe { std::mem::zeroed() };
    status.stx_mask = StatxFlags::BASIC_STATS.bits();
    status.stx_mode = of.mode as u16;
    status.stx_ino = of.number;
    status.stx_uid = of.uid;
    status.stx_gid = of.gid;
    status.stx_nlink = of.links;
    status
}

/// Puts bytes into buffers, one after the other.
pub(super) fn scatter(mut bytes: &[u8], buffers: &mut [IoSliceMut<'_>]) {
    for buffer in buffers {
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
    }
}

/// `recvmsg(2)`.
pub(super) fn recvmsg(
    socket: &Simulated,
    from: Option<&mut Name>,
    buffers: &mut [IoSliceMut<'_>],
    inbox: &mut Inbox,
    flags: RecvFlags,
) -> Result<Arrival> {
    inbox.clear();
    let length = buffers.iter().map(|buffer| buffer.len()).sum();
    let received = socket.recv(length, buffers.len() as u32, inbox.room().len(), flags)?;
    scatter(&received.data, buffers);
    deliver(socket, &received, inbox)?;
    if let Some(from) = from {
        *from = received.from.as_ref().map_or(Ok(Name::none()), Name::new)?;
    }
    Ok(arrival(&received))
}

/// `sendmmsg(2)`: one call after the other; an error only if nothing was sent.
pub(super) fn sendmmsg<'a>(
    socket: &Simulated,
    packets: impl Iterator<Item = Packet<'a>>,
    flags: SendFlags,
) -> Result<usize> {
    let mut sent = 0;
    for packet in packets {
        let data: Vec<u8> = packet.buffers.iter().flat_map(|b| b.iter().copied()).collect();
        let buffers = packet.buffers.len() as u32;
        match socket.send_message(data.into(), buffers, packet.control, flags, packet.to) {
            Ok(_) => sent += 1,
            Err(errno) if sent == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(sent)
}

/// `recvmmsg(2)` with `MSG_WAITFORONE`: one call after the other. An error that is met later is lost,
/// where the kernel would keep it for the next call.
pub(super) fn recvmmsg<B: HasInbox>(
    socket: &Simulated,
    data: &mut [u8],
    each: usize,
    slots: &mut [Slot<B>],
    flags: RecvFlags,
) -> Result<usize> {
    slots.iter_mut().for_each(|slot| slot.ancillary.inbox().clear());
    let (mut came, mut rest, mut flags) = (0, data, flags);
    for slot in slots {
        let Some((bytes, after)) = rest.split_at_mut_checked(each) else { break };
        rest = after;
        let mut buffers = [IoSliceMut::new(bytes)];
        let inbox = slot.ancillary.inbox();
        match recvmsg(socket, Some(&mut slot.from), &mut buffers, inbox, flags) {
            Ok(arrival) => slot.arrival = arrival,
            Err(errno) if came == 0 => return Err(errno),
            Err(_) => break,
        }
        came += 1;
        flags |= RecvFlags::DONTWAIT;
    }
    Ok(came)
}

/// What came, but for the bytes and what is beside them.
pub(super) fn arrival(received: &Received) -> Arrival {
    Arrival {
        bytes: received.returned,
        truncated: received.truncated,
        control_truncated: received.control_truncated,
    }
}

fn deliver(socket: &Simulated, received: &Received, inbox: &mut Inbox) -> Result<()> {
    let mut writer = Writer::new(inbox.room());
    let mut owned = Vec::new();
    for item in &received.control {
        owned.extend(socket.write_control(item, &mut writer)?);
    }
    let filled = writer.into_bytes().len();
    // From here on the bytes own them.
    for fd in owned {
        let _ = fd.into_raw_fd();
    }
    // SAFETY: the descriptors in these bytes were made for them, and nobody else owns them.
    unsafe { inbox.take(filled, received.control_truncated) };
    Ok(())
}
