//! What this machine decides: sizes, limits, and the memory that messages take.

use crate::profile::{Machine, Steps};
use crate::sys::socket::{RecvFlags, SendFlags, SocketFlags};
use crate::sys::{self, option, process, socket};
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
    Ok(Machine {
        send_buffer: number("net/core/wmem_default", usual.send_buffer),
        receive_buffer: number("net/core/rmem_default", usual.receive_buffer),
        send_buffer_max: number("net/core/wmem_max", usual.send_buffer_max),
        receive_buffer_max: number("net/core/rmem_max", usual.receive_buffer_max),
        datagram_queue: number("net/unix/max_dgram_qlen", usual.datagram_queue),
        backlog_max: number("net/core/somaxconn", usual.backlog_max),
        control_max: number("net/core/optmem_max", usual.control_max),
        descriptors: u32::try_from(descriptors).unwrap_or(u32::MAX),
        sockets: number("fs/file-max", u32::MAX).saturating_mul(2),
        packet_cost: Meter::new(SocketType::Datagram)?.steps()?,
        stream_cost: Meter::new(SocketType::Stream)?.steps()?,
        ..usual
    })
}

/// The longest message that is measured, in bytes.
const LONGEST: u32 = 1 << 20;

/// Measures what messages cost their sender.
struct Meter {
    kind: SocketType,
    sender: OwnedFd,
    receiver: OwnedFd,
    /// Bytes to send, and room to receive them.
    bytes: Vec<u8>,
}

impl Meter {
    fn new(kind: SocketType) -> sys::Result<Meter> {
        let (sender, receiver) = socket::socketpair(kind, SocketFlags::NONBLOCK)?;
        option::set_send_buffer(&sender, i32::MAX)?;
        // A little is left for what the kernel puts beside the bytes.
        let longest = option::send_buffer(&sender)?.saturating_sub(64).min(LONGEST);
        Ok(Meter { kind, sender, receiver, bytes: vec![0; longest as usize] })
    }

    /// The costs, step by step.
    fn steps(&mut self) -> sys::Result<Steps> {
        let longest = match self.kind {
            SocketType::Stream => self.piece()?,
            _ => self.bytes.len() as u32,
        };
        let mut steps = Vec::new();
        let mut from = 1;
        while from <= longest {
            let cost = self.cost(from)?;
            let last = last_of(from, longest, |length| Ok(self.cost(length)? == cost))?;
            steps.push((last, cost));
            from = last + 1;
        }
        let beyond = (4096, steps.last().map_or(0, |(last, cost)| cost.saturating_sub(*last)));
        Ok(Steps { steps, beyond })
    }

    /// The length of the pieces into which a stream cuts what is sent at once.
    fn piece(&mut self) -> sys::Result<u32> {
        let whole = self.bytes.len() as u32;
        last_of(0, whole, |length| {
            self.send(whole)?;
            let before = option::unread_by_peer(&self.sender)?;
            self.receive(length)?;
            let kept = option::unread_by_peer(&self.sender)? == before;
            self.drain()?;
            Ok(kept)
        })
        .map(|last| last + 1)
    }

    /// What one message of this length costs.
    fn cost(&mut self, length: u32) -> sys::Result<u32> {
        self.send(length)?;
        let cost = option::unread_by_peer(&self.sender)?;
        self.drain()?;
        Ok(cost)
    }

    fn send(&mut self, length: u32) -> sys::Result<usize> {
        socket::send(&self.sender, &self.bytes[..length as usize], SendFlags::empty())
    }

    fn receive(&mut self, length: u32) -> sys::Result<usize> {
        if length == 0 {
            return Ok(0);
        }
        socket::recv(&self.receiver, &mut self.bytes[..length as usize], RecvFlags::empty())
    }

    fn drain(&mut self) -> sys::Result<()> {
        let whole = self.bytes.len() as u32;
        while option::unread_by_peer(&self.sender)? > 0 {
            self.receive(whole)?;
        }
        Ok(())
    }
}

/// The last number from `first` to `longest` for which it still holds, as for the first.
fn last_of(
    first: u32,
    longest: u32,
    mut holds: impl FnMut(u32) -> sys::Result<bool>,
) -> sys::Result<u32> {
    let (mut yes, mut step) = (first, 1);
    let mut no = loop {
        let next = yes.saturating_add(step).min(longest);
        if next == yes {
            return Ok(longest);
        }
        if !holds(next)? {
            break next;
        }
        (yes, step) = (next, step * 2);
    };
    while no - yes > 1 {
        let middle = yes + (no - yes) / 2;
        if holds(middle)? { yes = middle } else { no = middle }
    }
    Ok(yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_what_messages_cost() {
        let machine = machine().unwrap();
        for kind in [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket] {
            let mut meter = Meter::new(kind).unwrap();
            let table = match kind {
                SocketType::Stream => &machine.stream_cost,
                _ => &machine.packet_cost,
            };
            for length in [1, 64, 192, 193, 704, 1000, 3776, 3777, 20_000, 30_001] {
                assert_eq!(
                    meter.cost(length).unwrap(),
                    table.of(length as usize),
                    "{kind} {length}"
                );
            }
        }
    }

    #[test]
    fn a_stream_is_cut_where_its_costs_begin_anew() {
        let piece = machine().unwrap().stream_cost.steps.last().unwrap().0;
        let mut meter = Meter::new(SocketType::Stream).unwrap();
        let sum = meter.cost(piece).unwrap() + meter.cost(1).unwrap();
        assert_eq!(meter.cost(piece + 1).unwrap(), sum);
    }
}
