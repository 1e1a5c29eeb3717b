//! What this machine decides: sizes, limits, and the memory that messages take.

use crate::profile::{Machine, Memory};
use crate::sys::socket::{RecvFlags, SendFlags, SocketFlags};
use crate::sys::{self, libc, option, process, socket};
use std::os::fd::OwnedFd;
use sunpath_core::SocketType;

/// The parameters of the running kernel. Nothing but sockets of this process is touched.
pub fn machine() -> sys::Result<Machine> {
    let usual = Machine::default();
    let number = |name: &str, otherwise: u32| {
        let text = std::fs::read_to_string(format!("/proc/sys/{name}"));
        let number = text.ok().and_then(|text| text.trim().parse::<u64>().ok());
        number.map_or(otherwise, |n| u32::try_from(n).unwrap_or(u32::MAX))
    };
    let descriptors = process::descriptor_limit(None)?.unwrap_or(u64::MAX);
    let send_buffer_min = smallest_send_buffer()?;
    Ok(Machine {
        send_buffer: number("net/core/wmem_default", usual.send_buffer),
        receive_buffer: number("net/core/rmem_default", usual.receive_buffer),
        send_buffer_max: number("net/core/wmem_max", usual.send_buffer_max),
        receive_buffer_max: number("net/core/rmem_max", usual.receive_buffer_max),
        datagram_queue: number("net/unix/max_dgram_qlen", usual.datagram_queue),
        backlog_max: number("net/core/somaxconn", usual.backlog_max),
        protected_hardlinks: number("fs/protected_hardlinks", 0) != 0,
        control_max: number("net/core/optmem_max", usual.control_max),
        send_buffer_min,
        // The kernel demands room for two messages of its own size here, and for one there.
        receive_buffer_min: send_buffer_min / 2,
        ticks: ticks()?,
        descriptors: u32::try_from(descriptors).unwrap_or(u32::MAX),
        sockets: number("fs/file-max", u32::MAX).saturating_mul(2),
        memory: memory()?,
        ..usual
    })
}

/// What the kernel makes of a send buffer of nothing.
fn smallest_send_buffer() -> sys::Result<u32> {
    let (socket, _) = socket::socketpair(SocketType::Datagram, SocketFlags::NONBLOCK)?;
    option::set_send_buffer(&socket, 0)?;
    option::send_buffer(&socket)
}

/// Ticks of the kernel's clock in a second: the shortest time limit is one.
fn ticks() -> sys::Result<u32> {
    let (socket, _) = socket::socketpair(SocketType::Datagram, SocketFlags::NONBLOCK)?;
    option::set_timeout(&socket, libc::SO_RCVTIMEO, 1)?;
    let tick = option::timeout(&socket, libc::SO_RCVTIMEO)?;
    Ok(u32::try_from(1_000_000 / tick.max(1)).unwrap_or(u32::MAX))
}

/// What messages take. The kernel tells the sender's charge; two steps of it show how large the
/// smallest block is, and what is put beside the bytes.
fn memory() -> sys::Result<Memory> {
    let mut meter = Meter::new(SocketType::Datagram)?;
    let least = meter.cost(1)?;
    let in_smallest = meter.last_of(1)?;
    let in_next = meter.last_of(in_smallest + 1)?;
    let usual = Memory::USUAL;
    let page = u32::try_from(process::page_size()).unwrap_or(usual.page);
    let smallest = in_next - in_smallest;
    Ok(Memory {
        smallest,
        tail: smallest.saturating_sub(in_smallest),
        description: least.saturating_sub(smallest),
        page,
        stream_block: page,
        packet_block: 4 * page,
        packet_pages: usual.packet_pages / usual.page * page,
        ..usual
    })
}

/// Measures what messages cost their sender.
struct Meter {
    sender: OwnedFd,
    receiver: OwnedFd,
}

impl Meter {
    fn new(kind: SocketType) -> sys::Result<Meter> {
        let (sender, receiver) = socket::socketpair(kind, SocketFlags::NONBLOCK)?;
        option::set_send_buffer(&sender, i32::MAX)?;
        Ok(Meter { sender, receiver })
    }

    /// What one message of this length costs.
    fn cost(&mut self, length: u32) -> sys::Result<u32> {
        let mut bytes = vec![0; length as usize];
        socket::send(&self.sender, &bytes, SendFlags::empty())?;
        let cost = option::unread_by_peer(&self.sender)?;
        while option::unread_by_peer(&self.sender)? > 0 {
            socket::recv(&self.receiver, &mut bytes, RecvFlags::empty())?;
        }
        Ok(cost)
    }

    /// The greatest length that costs as much as this one.
    fn last_of(&mut self, length: u32) -> sys::Result<u32> {
        let cost = self.cost(length)?;
        let (mut same, mut step) = (length, 1);
        let mut dearer = loop {
            if self.cost(same + step)? > cost {
                break same + step;
            }
            (same, step) = (same + step, step * 2);
        };
        while dearer - same > 1 {
            let middle = same + (dearer - same) / 2;
            if self.cost(middle)? == cost { same = middle } else { dearer = middle }
        }
        Ok(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [u32; 16] = [
        1, 64, 192, 193, 704, 705, 1728, 1729, 3776, 3777, 7873, 16_064, 16_065, 36_544, 90_000,
        200_000,
    ];

    #[test]
    fn what_was_measured_is_what_messages_cost() {
        let memory = machine().unwrap().memory;
        for kind in [SocketType::Datagram, SocketType::SeqPacket] {
            let mut meter = Meter::new(kind).unwrap();
            for length in LENGTHS {
                let cost = meter.cost(length).unwrap();
                assert_eq!(memory.packet(length as usize), Some(cost), "{kind} {length}");
            }
        }
    }

    #[test]
    fn limits_of_options_are_what_the_kernel_makes_of_small_values() {
        let machine = machine().unwrap();
        let (socket, _) = socket::socketpair(SocketType::Stream, SocketFlags::NONBLOCK).unwrap();
        option::set_send_buffer(&socket, 1).unwrap();
        assert_eq!(option::send_buffer(&socket).unwrap(), machine.send_buffer_min);
        let tick = u64::from(1_000_000 / machine.ticks);
        option::set_timeout(&socket, libc::SO_SNDTIMEO, tick + 1).unwrap();
        assert_eq!(option::timeout(&socket, libc::SO_SNDTIMEO).unwrap(), 2 * tick);
    }

    #[test]
    fn a_stream_is_charged_for_each_piece() {
        let memory = machine().unwrap().memory;
        let mut meter = Meter::new(SocketType::Stream).unwrap();
        let piece = memory.stream_piece(option::send_buffer(&meter.sender).unwrap());
        for length in LENGTHS {
            let (whole, rest) = (length / piece, length % piece);
            let last = if rest > 0 { memory.stream(rest) } else { 0 };
            let sum = whole * memory.stream(piece) + last;
            assert_eq!(meter.cost(length).unwrap(), sum, "{length}");
        }
    }
}
