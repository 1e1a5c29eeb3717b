//! Sizes, queues and times.

use super::{SockOpt, table};
use crate::Error;
use crate::sys::option;
use std::time::Duration;

/// `SO_MEMINFO`: what a socket's queues take, in bytes of kernel memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// Charged to this socket as receiver; 0, because messages are charged to their sender.
    pub received: u32,
    /// The size of `SO_RCVBUF`.
    pub receive_buffer: u32,
    /// Charged to this socket as sender: its messages that nobody has read yet.
    pub unread_by_peer: u32,
    /// The size of `SO_SNDBUF`.
    pub send_buffer: u32,
    /// Options, such as an attached filter.
    pub options: u32,
    /// Messages that were dropped on their way into this socket.
    pub drops: u32,
}

impl SockOpt<'_> {
    /// `SO_SNDBUF` in bytes of kernel memory: how much may be charged to this socket for messages
    /// that nobody has read yet. Twice what was set; 212992 unless it was
    /// (`net.core.wmem_default`).
    pub fn send_buffer(&self) -> Result<u32, Error> {
        self.get(table::SEND_BUFFER).map(i32::cast_unsigned)
    }

    /// Sets `SO_SNDBUF`. The kernel cuts the number of bytes to `net.core.wmem_max`, doubles it for
    /// its own needs, and makes it at least 4608; none of that is an error. The longest datagram or
    /// packet is [`send_buffer`](SockOpt::send_buffer) less 32 bytes.
    ///
    /// A message of a few bytes is charged 768, and a send is admitted as long as anything is
    /// free. Accepted sockets do not inherit the size.
    pub fn set_send_buffer(&self, bytes: u32) -> Result<(), Error> {
        // The kernel compares unsigned: the largest numbers, negative to it, are cut too.
        self.set(table::SEND_BUFFER, bytes.cast_signed())
    }

    /// `SO_SNDBUFFORCE`: as [`set_send_buffer`](SockOpt::set_send_buffer), past
    /// `net.core.wmem_max`, up to 2147483646 after doubling.
    ///
    /// # Errors
    /// `option/needs-privilege` (`EPERM`) without `CAP_NET_ADMIN`.
    pub fn set_send_buffer_force(&self, bytes: u32) -> Result<(), Error> {
        // Here a negative number would be the smallest.
        self.set(table::SEND_BUFFER_FORCE, bytes.min(i32::MAX.cast_unsigned()).cast_signed())
    }

    /// `SO_RCVBUF` in bytes of kernel memory. It has no effect on UNIX domain sockets: messages are
    /// charged to their sender's [`send_buffer`](SockOpt::send_buffer) until they are read.
    pub fn receive_buffer(&self) -> Result<u32, Error> {
        self.get(table::RECEIVE_BUFFER).map(i32::cast_unsigned)
    }

    /// Sets `SO_RCVBUF`: doubled, at most twice `net.core.rmem_max`, at least 2304; and without any
    /// effect on a UNIX domain socket. Make the sender's buffer larger instead.
    pub fn set_receive_buffer(&self, bytes: u32) -> Result<(), Error> {
        self.set(table::RECEIVE_BUFFER, bytes.cast_signed())
    }

    /// `SO_RCVLOWAT` in bytes.
    pub fn receive_low_water(&self) -> Result<u32, Error> {
        self.get(table::RECEIVE_LOW_WATER).map(i32::cast_unsigned)
    }

    /// Sets `SO_RCVLOWAT`: a receive on a stream that waits goes on until as many bytes are there,
    /// or the buffer is full. `poll` and receives that do not wait take no notice, nor do datagrams
    /// and packets. 0 becomes 1; what is more than 2147483647 becomes that.
    pub fn set_receive_low_water(&self, bytes: u32) -> Result<(), Error> {
        self.set(table::RECEIVE_LOW_WATER, bytes.cast_signed())
    }

    /// `SO_SNDTIMEO`; `None` waits for ever.
    pub fn send_timeout(&self) -> Result<Option<Duration>, Error> {
        self.timeout(table::SEND_TIMEOUT)
    }

    /// Sets `SO_SNDTIMEO`: how long a send waits for room, and a `connect` for a place in a full
    /// backlog, until it fails with `EAGAIN` (`WouldBlock`). `None` waits for ever.
    ///
    /// The kernel counts in its ticks, of 1 to 10 ms, and rounds up. So does this method: no time
    /// is too short to be one, and zero is the shortest that there is. What is longer than the
    /// kernel can count is for ever. Accepted sockets do not inherit it. A wait is never shorter by
    /// the clock of these ticks (`CLOCK_MONOTONIC_COARSE`); by a finer clock it is, by as much as
    /// the last tick before it was late, which on a busy virtual machine may be milliseconds.
    pub fn set_send_timeout(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.set_timeout(table::SEND_TIMEOUT, timeout)
    }

    /// `SO_RCVTIMEO`; `None` waits for ever.
    pub fn receive_timeout(&self) -> Result<Option<Duration>, Error> {
        self.timeout(table::RECEIVE_TIMEOUT)
    }

    /// Sets `SO_RCVTIMEO`: how long a receive waits for data, and `accept` for a connection, until
    /// it fails with `EAGAIN` (`WouldBlock`); rounded as by
    /// [`set_send_timeout`](SockOpt::set_send_timeout). `None` waits for ever.
    pub fn set_receive_timeout(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.set_timeout(table::RECEIVE_TIMEOUT, timeout)
    }

    /// `SIOCINQ`: bytes that can be received; of datagrams those of the first only.
    ///
    /// # Errors
    /// `option/queue-of-listener` (`EINVAL`) for a listener.
    pub fn readable(&self) -> Result<u32, Error> {
        self.answered(table::READABLE, option::readable(self.fd))
    }

    /// `SIOCOUTQ`: kernel memory in bytes that messages take which were sent and not yet read;
    /// 0 once the peer has read all. A message of a few bytes takes 768.
    pub fn unread_by_peer(&self) -> Result<u32, Error> {
        self.answered(table::UNREAD, option::unread_by_peer(self.fd))
    }

    /// `SO_MEMINFO` (Linux 4.12): what the queues take.
    pub fn memory(&self) -> Result<Memory, Error> {
        let numbers = option::numbers(self.fd, table::MEMORY.number);
        // In the order of `SK_MEMINFO_*`; what is left out counts nothing on these sockets.
        let [received, receive_buffer, unread_by_peer, send_buffer, _, _, options, _, drops] =
            self.read(table::MEMORY, numbers)?;
        Ok(Memory { received, receive_buffer, unread_by_peer, send_buffer, options, drops })
    }

    fn timeout(&self, option: table::Named) -> Result<Option<Duration>, Error> {
        let microseconds = self.read(option, option::timeout(self.fd, option.number))?;
        Ok(Some(Duration::from_micros(microseconds)).filter(|time| !time.is_zero()))
    }

    fn set_timeout(&self, option: table::Named, time: Option<Duration>) -> Result<(), Error> {
        self.written(option, option::set_timeout(self.fd, option.number, microseconds(time)))
    }
}

/// Rounded up, because 0 stands for ever.
pub(crate) fn microseconds(timeout: Option<Duration>) -> u64 {
    timeout
        .map_or(0, |time| u64::try_from(time.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_becomes_for_ever() {
        assert_eq!(microseconds(None), 0);
        let nanoseconds = [(0, 1), (1, 1), (1000, 1), (1001, 2), (1_000_000_001, 1_000_001)];
        for (given, set) in nanoseconds {
            assert_eq!(microseconds(Some(Duration::from_nanos(given))), set);
        }
        assert_eq!(microseconds(Some(Duration::MAX)), u64::MAX);
    }
}
