//! `sendmmsg(2)` and `recvmmsg(2)`: many messages in one call.

use super::Result;
use super::message::{Arrival, Header, Inbox};
use super::name::Name;
use super::raw::call5;
use super::socket::raw;
use rustix::net::{RecvFlags, SendFlags};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::AsFd;

/// The most messages in one call: what the headers on the stack have room for. More would gain
/// nothing, because the cost is that of each message.
pub const MOST: usize = 64;

/// The kernel's `struct mmsghdr`.
#[repr(C)]
#[derive(Debug)]
struct Numbered {
    header: Header,
    length: u32,
}

const EMPTY: Numbered = Numbered { header: Header::EMPTY, length: 0 };

/// A message to send.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// The receiver; the peer if `None`.
    pub to: Option<&'a Name>,
    /// Its bytes.
    pub buffers: &'a [IoSlice<'a>],
    /// Its control messages, of a [`Writer`](super::control::Writer).
    pub control: &'a [u8],
}

/// `sendmmsg(2)`: how many messages were sent, of which the first [`MOST`] are tried;
/// `MSG_NOSIGNAL` is always set. An error only if none was sent. If some were, the kernel does not
/// say why it stopped.
pub fn sendmmsg<'a>(
    fd: impl AsFd,
    packets: impl Iterator<Item = Packet<'a>>,
    flags: SendFlags,
) -> Result<usize> {
    if_simulated!(fd, socket => super::simulated::sendmmsg(&socket, packets.take(MOST), flags));
    let mut headers = [EMPTY; MOST];
    let mut count = 0;
    for (place, packet) in headers.iter_mut().zip(packets) {
        place.header = Header::to_send(packet.to, packet.buffers, packet.control);
        count += 1;
    }
    let flags = (flags | SendFlags::NOSIGNAL).bits() as usize;
    let arguments = [raw(&fd) as usize, headers.as_mut_ptr().expose_provenance(), count, flags, 0];
    // SAFETY: the first `count` headers are filled in; what they point to is borrowed for `'a`,
    // longer than the call, and only read. The kernel writes to their lengths alone.
    unsafe { call5(libc::SYS_sendmmsg, arguments) }
}

/// What has room for ancillary data in it.
pub trait HasInbox {
    /// That room.
    fn inbox(&mut self) -> &mut Inbox;
}

/// Room for one message to receive, and what came.
#[derive(Debug)]
pub struct Slot<B> {
    /// The sender's name.
    pub from: Name,
    /// The ancillary data.
    pub ancillary: B,
    /// The rest.
    pub arrival: Arrival,
}

impl<B> Slot<B> {
    /// A slot with this room for ancillary data.
    pub fn new(ancillary: B) -> Slot<B> {
        Slot { from: Name::room(), ancillary, arrival: Arrival::default() }
    }
}

/// `recvmmsg(2)` with `MSG_WAITFORONE`: waits, if at all, for the first message only; how many
/// came. Each of the first [`MOST`] slots has the next `each` bytes of `data` for its bytes.
/// `MSG_CMSG_CLOEXEC` is always set. An error only if nothing came; one that the kernel met later
/// is reported by the next call on the socket.
///
/// The call has a timeout of its own, which is only looked at after a message: it is not used.
/// What the slots held before is closed and forgotten first, and the headers are made anew.
pub fn recvmmsg<B: HasInbox>(
    fd: impl AsFd,
    data: &mut [u8],
    each: usize,
    slots: &mut [Slot<B>],
    flags: RecvFlags,
) -> Result<usize> {
    if_simulated!(fd, socket => {
        let first = slots.len().min(MOST);
        super::simulated::recvmmsg(&socket, data, each, &mut slots[..first], flags)
    });
    for slot in &mut *slots {
        slot.ancillary.inbox().clear();
    }
    let mut headers = [EMPTY; MOST];
    let mut buffers = [const { None }; MOST];
    let mut count = 0;
    let mut rest = data;
    for ((place, slot), buffer) in headers.iter_mut().zip(&mut *slots).zip(&mut buffers) {
        let Some((bytes, after)) = rest.split_at_mut_checked(each) else { break };
        rest = after;
        let buffer = buffer.insert(IoSliceMut::new(bytes));
        let buffers = std::slice::from_mut(buffer);
        place.header =
            Header::to_receive(Some(&mut slot.from), buffers, slot.ancillary.inbox().room());
        count += 1;
    }
    let flags = (flags | RecvFlags::CMSG_CLOEXEC).bits() as usize | libc::MSG_WAITFORONE as usize;
    let arguments = [raw(&fd) as usize, headers.as_mut_ptr().expose_provenance(), count, flags, 0];
    // SAFETY: the first `count` headers are filled in, each with memory of its own that is
    // exclusively borrowed for longer than the call; there is no timeout to point to.
    let came = unsafe { call5(libc::SYS_recvmmsg, arguments)? };
    for (place, slot) in headers.iter().zip(slots).take(came) {
        slot.arrival = place.header.arrival(place.length as usize);
        let truncated = slot.arrival.control_truncated;
        // SAFETY: the kernel wrote these bytes in the call above, and they are taken once.
        unsafe { slot.ancillary.inbox().take(place.header.control_length(), truncated) };
        slot.from.set_length(place.header.name_length());
    }
    Ok(came)
}
